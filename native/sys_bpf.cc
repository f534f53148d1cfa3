// bpf(2) for every command whose speed does not matter by the nanosecond.

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "attr_layout.h"
#include "netns.h"
#include "sys.h"

namespace skep {
namespace {

// Keeps a profiler's signals away: many times a second, they would end each try of what takes longer.
class ProfilerBlocked {
public:
	ProfilerBlocked() {
		sigset_t profiler;
		sigemptyset(&profiler);
		sigaddset(&profiler, SIGPROF);
		pthread_sigmask(SIG_BLOCK, &profiler, &before_);
	}
	~ProfilerBlocked() {
		const int error = errno;
		pthread_sigmask(SIG_SETMASK, &before_, nullptr);
		errno = error;
	}
	ProfilerBlocked(const ProfilerBlocked&) = delete;
	ProfilerBlocked& operator=(const ProfilerBlocked&) = delete;

private:
	sigset_t before_;
};

long CallBpf(uint32_t command, AttrImage& image) {
	if (command != kProgLoad && command != kProgTestRun)
		return syscall(__NR_bpf, command, image.data(), image.size());
	const ProfilerBlocked blocked;
	return syscall(__NR_bpf, command, image.data(), image.size());
}

// What a descriptor is that may be of several kinds, which only its link under /proc tells.
FdKind KindFromProc(int fd) {
	char path[64];
	char target[64] = {};
	std::snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	const ssize_t length = readlink(path, target, sizeof(target) - 1);
	const std::string_view name(target, length > 0 ? static_cast<size_t>(length) : 0);
	if (name.find("bpf-map") != name.npos) return FdKind::kMap;
	if (name.find("bpf-prog") != name.npos) return FdKind::kProgram;
	if (name.find("bpf_link") != name.npos || name.find("bpf-link") != name.npos) return FdKind::kLink;
	return FdKind::kOther;
}

void OwnResult(EnvState& state, uint32_t command, long result) {
	bool returns = false;
	FdKind kind = ReturnedKind(command, &returns);
	if (!returns || result < 0) return;
	const int fd = static_cast<int>(result);
	// A raw tracepoint is a link from kernel 5.8 on.
	if (command == kObjGet || command == kRawTracepointOpen) kind = KindFromProc(fd);
	state.Own(fd, kind);
}

// One call on the thread pool. Everything the kernel touches is a copy of its own, for JavaScript
// may detach or shrink its buffers meanwhile.
class AsyncCall {
public:
	AsyncCall(
		napi_env env, uint32_t command, const AttrImage& image, std::vector<PointerArg> pointers
	)
		: env_(env),
		  state_(EnvState::Of(env).shared_from_this()),
		  command_(command),
		  image_(image),
		  pointers_(std::move(pointers)) {}

	AsyncCall(const AsyncCall&) = delete;
	AsyncCall& operator=(const AsyncCall&) = delete;

	~AsyncCall() {
		image_.ReleaseFd();
		for (const napi_ref target : targets_) napi_delete_reference(env_, target);
		if (attr_ != nullptr) napi_delete_reference(env_, attr_);
		if (work_ != nullptr) napi_delete_async_work(env_, work_);
	}

	// Hands the call to the thread pool and gives the promise; null when the environment is ending.
	static napi_value Start(std::unique_ptr<AsyncCall> call, napi_value attr) {
		const napi_env env = call->env_;
		napi_value promise = nullptr;
		if (!call->HoldTargets(attr)) return nullptr;
		call->error_ = call->image_.HoldFd();
		for (PointerArg& pointer : call->pointers_)
			if (!pointer.UseCopy()) call->error_ = ENOMEM;
		if (napi_create_async_work(
				env, nullptr, Text(env, "skep.bpf"), Execute, Complete, call.get(), &call->work_
			) != napi_ok ||
		    napi_create_promise(env, &call->deferred_, &promise) != napi_ok ||
		    napi_queue_async_work(env, call->work_) != napi_ok)
			return nullptr;
		// Complete takes it back.
		static_cast<void>(call.release());
		return promise;
	}

private:
	// Keeps the typed arrays that are filled in at the end; the kernel reads the others only.
	bool HoldTargets(napi_value attr) {
		if (napi_create_reference(env_, attr, 1, &attr_) != napi_ok) return false;
		for (const PointerArg& pointer : pointers_) {
			napi_ref target = nullptr;
			if (pointer.written && napi_create_reference(env_, pointer.array, 1, &target) != napi_ok)
				return false;
			targets_.push_back(target);
		}
		return true;
	}

	static void Execute(napi_env, void* data) {
		AsyncCall& call = *static_cast<AsyncCall*>(data);
		if (call.error_ != 0) return;
		call.image_.Point(call.pointers_);
		call.result_ = CallBpf(call.command_, call.image_);
		call.error_ = errno;
		call.image_.ReleaseFd();
	}

	static void Complete(napi_env env, napi_status status, void* data) {
		const std::unique_ptr<AsyncCall> call(static_cast<AsyncCall*>(data));
		if (status == napi_cancelled) return;
		OwnResult(*call->state_, call->command_, call->result_);
		call->FillTargets();
		napi_resolve_deferred(env, call->deferred_, Result(env, call->result_, call->error_));
	}

	// What the kernel wrote, into those buffers that are still there and still long enough.
	void FillTargets() {
		ByteSpan attr;
		if (Target(attr_, &attr)) image_.CopyBack(pointers_, attr);
		for (size_t i = 0; i < pointers_.size(); i++) {
			const PointerArg& pointer = pointers_[i];
			ByteSpan target;
			if (Target(targets_[i], &target) && pointer.used > 0 && target.size >= pointer.used)
				std::memcpy(target.data, pointer.bytes.data, pointer.used);
		}
	}

	bool Target(napi_ref reference, ByteSpan* out) {
		napi_value array = nullptr;
		return reference != nullptr &&
		       napi_get_reference_value(env_, reference, &array) == napi_ok && array != nullptr &&
		       ReadBytes(env_, array, out);
	}

	napi_env env_;
	std::shared_ptr<EnvState> state_;
	uint32_t command_;
	AttrImage image_;
	std::vector<PointerArg> pointers_;
	// The caller's typed arrays, kept until they are filled in; null for what is not.
	napi_ref attr_ = nullptr;
	std::vector<napi_ref> targets_;
	napi_async_work work_ = nullptr;
	napi_deferred deferred_ = nullptr;
	long result_ = -1;
	int error_ = 0;
};

// The arguments that both functions have in common, checked and ready for the kernel; false leaves
// an exception pending.
bool ReadCall(
	napi_env env, uint32_t command, napi_value attr_value, napi_value list, ByteSpan* attr,
	std::vector<PointerArg>* pointers, AttrImage* image
) {
	// Last of all: reading the list may run JavaScript, which could take the bytes of attr away.
	if (!ReadPointers(env, list, pointers)) return false;
	if (!ReadBytes(env, attr_value, attr)) {
		ThrowType(env, "attr: expected a Uint8Array");
		return false;
	}
	const std::string wrong = image->Prepare(EnvState::Of(env), command, *attr, pointers);
	if (!wrong.empty()) ThrowRange(env, wrong);
	return wrong.empty();
}

}  // namespace

// bpf(command, attr, pointers, netns) -> number
//
// One bpf(2) call. `attr` is the caller's image of union bpf_attr, zero where it holds addresses;
// `pointers` is a flat list [offset, Uint8Array | null, ...] of the buffers that belong there.
// Returns what the kernel returned or -errno; what the kernel wrote into attr and buffers is there
// in both cases. `netns` is a namespace's descriptor to make the call in, or -1.
napi_value Bpf(napi_env env, napi_callback_info info) {
	uint32_t command = 0;
	napi_value attr_value = nullptr;
	napi_value list = nullptr;
	int netns = -1;
	if (!Args(env, info).Uint32("command", &command).Later(&attr_value).Array("pointers", &list).OptionalFd("netns", &netns).Ok())
		return nullptr;
	ByteSpan attr;
	std::vector<PointerArg> pointers;
	AttrImage image;
	if (!ReadCall(env, command, attr_value, list, &attr, &pointers, &image)) return nullptr;

	image.Point(pointers);
	int error = 0;
	const long result = InNetns(netns, &error, [&] { return CallBpf(command, image); });
	image.CopyBack(pointers, attr);
	OwnResult(EnvState::Of(env), command, result);
	return Result(env, result, error);
}

// bpfAsync(command, attr, pointers) -> Promise<number>
//
// The same on the thread pool. The kernel works on copies; attr and those buffers that the kernel
// writes are filled in just before the promise settles, unless they were detached or became too
// short meanwhile. The map or program may be closed as soon as this returns.
napi_value BpfAsync(napi_env env, napi_callback_info info) {
	uint32_t command = 0;
	napi_value attr_value = nullptr;
	napi_value list = nullptr;
	if (!Args(env, info).Uint32("command", &command).Later(&attr_value).Array("pointers", &list).Ok())
		return nullptr;
	ByteSpan attr;
	std::vector<PointerArg> pointers;
	AttrImage image;
	if (!ReadCall(env, command, attr_value, list, &attr, &pointers, &image)) return nullptr;
	return AsyncCall::Start(
		std::make_unique<AsyncCall>(env, command, image, std::move(pointers)), attr_value
	);
}

}  // namespace skep
