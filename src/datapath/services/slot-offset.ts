/** Where a key holds the number of its slot; all keys of a service differ in nothing else. */
export const slotOffset = {4: 6, 6: 18} as const;
