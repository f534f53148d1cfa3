// bpf(2) for every command whose speed does not matter by the nanosecond.

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "attr_layout.h"
#include "netns.h"
#include "sys.h"

namespace skep {
namespace {

// What a descriptor from BPF_OBJ_GET is, which only its link under /proc tells.
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
	if (command == kObjGet) kind = KindFromProc(fd);
	state.Own(fd, kind);
}

// bpfAsync's work: everything the kernel touches is a copy of its own, for JavaScript may detach or
// shrink its buffers meanwhile.
class BpfWorker : public Napi::AsyncWorker {
public:
	BpfWorker(
		Napi::Env env, uint32_t command, AttrImage image, Napi::Value attr, Napi::Array list,
		const std::vector<PointerArg>& pointers
	)
		: Napi::AsyncWorker(env, "skep.bpf"),
		  deferred_(Napi::Promise::Deferred::New(env)),
		  state_(EnvState::Of(env).shared_from_this()),
		  command_(command),
		  image_(image) {
		Napi::Object targets = Napi::Object::New(env);
		targets.Set("attr", attr);
		targets.Set("pointers", list);
		targets_ = Napi::Persistent(targets);
		copies_.reserve(pointers.size());
		for (const PointerArg& pointer : pointers) {
			copies_.emplace_back(pointer.bytes.data, pointer.bytes.data + pointer.bytes.size);
			own_pointers_.push_back({pointer.offset, {copies_.back().data(), copies_.back().size()}});
		}
	}

	Napi::Promise Promise() const { return deferred_.Promise(); }

protected:
	void Execute() override {
		image_.Point(own_pointers_);
		result_ = syscall(__NR_bpf, command_, image_.data(), image_.size());
		error_ = errno;
	}

	void OnOK() override {
		const Napi::Env env = Env();
		OwnResult(*state_, command_, result_);
		CopyBack(env);
		deferred_.Resolve(Result(env, result_, error_));
	}

private:
	// What the kernel wrote, into those buffers that are still there and still as long.
	void CopyBack(Napi::Env env) {
		ByteSpan attr;
		if (ReadBytes(env, targets_.Get("attr"), &attr)) image_.CopyBack(own_pointers_, attr);
		const Napi::Array list = targets_.Get("pointers").As<Napi::Array>();
		std::vector<PointerArg> targets;
		if (!ReadPointers(env, list, &targets)) {
			env.GetAndClearPendingException();
			return;
		}
		for (size_t i = 0; i < targets.size() && i < copies_.size(); i++) {
			const ByteSpan& target = targets[i].bytes;
			if (targets[i].offset == own_pointers_[i].offset && target.size == copies_[i].size() && target.size > 0)
				std::memcpy(target.data, copies_[i].data(), target.size);
		}
	}

	Napi::Promise::Deferred deferred_;
	// The caller's attr and pointers, kept until they are filled in.
	Napi::ObjectReference targets_;
	std::shared_ptr<EnvState> state_;
	uint32_t command_;
	AttrImage image_;
	std::vector<std::vector<uint8_t>> copies_;
	std::vector<PointerArg> own_pointers_;
	long result_ = -1;
	int error_ = 0;
};

}  // namespace

// bpf(command, attr, pointers, netns) -> number
//
// One bpf(2) call. `attr` is the caller's image of union bpf_attr, zero where it holds addresses;
// `pointers` is a flat list [offset, Uint8Array | null, ...] of the buffers that belong there.
// Returns what the kernel returned or -errno; what the kernel wrote into attr and buffers is there
// in both cases. `netns` is a namespace's descriptor to make the call in, or -1.
Napi::Value Bpf(const Napi::CallbackInfo& info) {
	const Napi::Env env = info.Env();
	uint32_t command = 0;
	ByteSpan attr;
	Napi::Array list;
	int netns = -1;
	if (!Args(info).Uint32("command", &command).Bytes("attr", &attr).Array("pointers", &list).OptionalFd("netns", &netns).Ok())
		return env.Undefined();
	std::vector<PointerArg> pointers;
	if (!ReadPointers(env, list, &pointers)) return env.Undefined();

	EnvState& state = EnvState::Of(env);
	AttrImage image;
	const std::string wrong = image.Prepare(state, command, attr, pointers);
	if (!wrong.empty()) return ThrowRange(env, wrong);

	image.Point(pointers);
	int error = 0;
	const long result = InNetns(netns, &error, [&] { return syscall(__NR_bpf, command, image.data(), image.size()); });
	image.CopyBack(pointers, attr);
	OwnResult(state, command, result);
	return Result(env, result, error);
}

// bpfAsync(command, attr, pointers) -> Promise<number>
//
// The same on the thread pool. The kernel works on copies; attr and buffers are filled in just
// before the promise settles, those of them that were not detached or resized meanwhile.
Napi::Value BpfAsync(const Napi::CallbackInfo& info) {
	const Napi::Env env = info.Env();
	uint32_t command = 0;
	ByteSpan attr;
	Napi::Array list;
	if (!Args(info).Uint32("command", &command).Bytes("attr", &attr).Array("pointers", &list).Ok())
		return env.Undefined();
	std::vector<PointerArg> pointers;
	if (!ReadPointers(env, list, &pointers)) return env.Undefined();

	AttrImage image;
	const std::string wrong = image.Prepare(EnvState::Of(env), command, attr, pointers);
	if (!wrong.empty()) return ThrowRange(env, wrong);

	auto* worker = new BpfWorker(env, command, image, info[1], list, pointers);
	const Napi::Promise promise = worker->Promise();
	worker->Queue();
	return promise;
}

}  // namespace skep
