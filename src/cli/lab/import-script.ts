/** A file of its own: what is compiled from kept code, as the command line, cannot import. */
export const importScript = async (url: string): Promise<unknown> => import(url);
