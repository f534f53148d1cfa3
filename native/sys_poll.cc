// Waiting for descriptors in the event loop of an environment.

#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include <cerrno>

#include "args.h"
#include "env_state.h"
#include "sys.h"

namespace skep {
namespace {

// One callback for any number of descriptors, which are watched only while somebody waits. It lives
// until libuv has let go of its handle, be it after the environment.
class Poller : public std::enable_shared_from_this<Poller> {
public:
	~Poller() {
		if (epoll_fd_ >= 0) close(epoll_fd_);
	}

	// 0, or errno.
	int Open(napi_env env, napi_value callback) {
		env_ = env;
		epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
		if (epoll_fd_ < 0) return errno;
		uv_loop_t* loop = nullptr;
		napi_value name = Text(env, "skep.poll");
		if (napi_get_uv_event_loop(env, &loop) != napi_ok ||
		    napi_create_reference(env, callback, 1, &callback_) != napi_ok)
			return ENOMEM;
		const int error = uv_poll_init(loop, &poll_, epoll_fd_);
		if (error != 0) {
			napi_delete_reference(env, callback_);
			return -error;
		}
		// From here on it is libuv's, too.
		self_ = shared_from_this();
		poll_.data = this;
		if (napi_async_init(env, nullptr, name, &context_) != napi_ok ||
		    napi_add_async_cleanup_hook(env, OnCleanup, this, &hook_) != napi_ok) {
			Close();
			return ENOMEM;
		}
		return 0;
	}

	// 0, or errno. The descriptor leaves by itself when its file is closed.
	int Add(int fd) {
		epoll_event event = {};
		event.events = EPOLLIN;
		return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) < 0 ? errno : 0;
	}

	// 0, or errno.
	int Wait() {
		return closed_ ? EBADF : -uv_poll_start(&poll_, UV_READABLE, OnReady);
	}

	void Stop() {
		if (!closed_) uv_poll_stop(&poll_);
	}

	void Close() {
		if (closed_) return;
		closed_ = true;
		if (callback_ != nullptr) napi_delete_reference(env_, callback_);
		if (context_ != nullptr) napi_async_destroy(env_, context_);
		uv_close(reinterpret_cast<uv_handle_t*>(&poll_), OnClosed);
	}

private:
	static void OnReady(uv_poll_t* poll, int, int) {
		// Calling JavaScript may close it.
		const std::shared_ptr<Poller> poller = static_cast<Poller*>(poll->data)->self_;
		const napi_env env = poller->env_;
		poller->Stop();
		napi_handle_scope scope = nullptr;
		napi_value callback = nullptr;
		napi_value receiver = nullptr;
		if (napi_open_handle_scope(env, &scope) != napi_ok) return;
		if (napi_get_reference_value(env, poller->callback_, &callback) == napi_ok &&
		    napi_get_global(env, &receiver) == napi_ok &&
		    napi_make_callback(env, poller->context_, receiver, callback, 0, nullptr, nullptr) ==
		        napi_pending_exception) {
			napi_value error = nullptr;
			if (napi_get_and_clear_last_exception(env, &error) == napi_ok)
				napi_fatal_exception(env, error);
		}
		napi_close_handle_scope(env, scope);
	}

	static void OnCleanup(napi_async_cleanup_hook_handle, void* data) {
		static_cast<Poller*>(data)->Close();
	}

	static void OnClosed(uv_handle_t* handle) {
		const std::shared_ptr<Poller> poller = std::move(static_cast<Poller*>(handle->data)->self_);
		if (poller->hook_ != nullptr) napi_remove_async_cleanup_hook(poller->hook_);
	}

	napi_env env_ = nullptr;
	int epoll_fd_ = -1;
	uv_poll_t poll_ = {};
	napi_ref callback_ = nullptr;
	napi_async_context context_ = nullptr;
	napi_async_cleanup_hook_handle hook_ = nullptr;
	std::shared_ptr<Poller> self_;
	bool closed_ = false;
};

struct PollerHandle : Resource {
	static constexpr ResourceKind kKind = ResourceKind::kPoller;
	explicit PollerHandle(std::shared_ptr<Poller> opened)
		: Resource(kKind), poller(std::move(opened)) {}
	~PollerHandle() override { poller->Close(); }

	const std::shared_ptr<Poller> poller;
};

// The poller of the first argument; null leaves an exception pending.
Poller* FindPoller(napi_env env, uint32_t number) {
	const PollerHandle* handle = EnvState::Of(env).resources().Find<PollerHandle>(number);
	if (handle != nullptr) return handle->poller.get();
	ThrowRange(env, "poller " + std::to_string(number) + " is not open here");
	return nullptr;
}

}  // namespace

// pollOpen(callback) -> number | -errno
//
// The callback is called, without arguments, once after each pollWait. releaseMemory closes it.
napi_value PollOpen(napi_env env, napi_callback_info info) {
	napi_value callback = nullptr;
	napi_valuetype type = napi_undefined;
	if (!Args(env, info).Later(&callback).Ok()) return nullptr;
	if (napi_typeof(env, callback, &type) != napi_ok || type != napi_function)
		return ThrowType(env, "callback: expected a function");
	auto poller = std::make_shared<Poller>();
	const int error = poller->Open(env, callback);
	if (error != 0) return Number(env, -error);
	auto handle = std::make_unique<PollerHandle>(std::move(poller));
	return Number(env, EnvState::Of(env).resources().Add(std::move(handle)));
}

// pollAdd(poller, fd) -> 0 | -errno
//
// Watches a descriptor that was opened here, until it is closed.
napi_value PollAdd(napi_env env, napi_callback_info info) {
	uint32_t number = 0;
	int fd = -1;
	FdKind kind = FdKind::kNone;
	if (!Args(env, info).Uint32("poller", &number).Fd(&fd).Ok()) return nullptr;
	Poller* poller = FindPoller(env, number);
	if (poller == nullptr) return nullptr;
	if (!EnvState::Of(env).KindOf(fd, &kind))
		return ThrowRange(env, "fd " + std::to_string(fd) + " was not opened here");
	return Number(env, -poller->Add(fd));
}

// pollWait(poller) -> 0 | -errno
//
// Calls back once when one of the descriptors is readable; that keeps the event loop alive.
napi_value PollWait(napi_env env, napi_callback_info info) {
	uint32_t number = 0;
	if (!Args(env, info).Uint32("poller", &number).Ok()) return nullptr;
	Poller* poller = FindPoller(env, number);
	return poller == nullptr ? nullptr : Number(env, -poller->Wait());
}

// pollStop(poller) -> 0
//
// Nobody waits any more.
napi_value PollStop(napi_env env, napi_callback_info info) {
	uint32_t number = 0;
	if (!Args(env, info).Uint32("poller", &number).Ok()) return nullptr;
	Poller* poller = FindPoller(env, number);
	if (poller == nullptr) return nullptr;
	poller->Stop();
	return Number(env, 0);
}

}  // namespace skep
