// What an environment holds besides descriptors: memory that is shared with the kernel. JavaScript
// has numbers for it, which are never given twice.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

namespace skep {

enum class ResourceKind : uint8_t { kMemory, kRing, kUserRing, kPerfRing, kPoller };

class Resource {
public:
	explicit Resource(ResourceKind kind) : kind(kind) {}
	virtual ~Resource() = default;
	Resource(const Resource&) = delete;
	Resource& operator=(const Resource&) = delete;

	const ResourceKind kind;
};

class Resources {
public:
	uint32_t Add(std::unique_ptr<Resource> resource) {
		table_.emplace(++last_, std::move(resource));
		return last_;
	}

	// Null for a number that was released, or is of another kind.
	template <typename T>
	T* Find(uint32_t number) {
		const auto found = table_.find(number);
		if (found == table_.end() || found->second->kind != T::kKind) return nullptr;
		return static_cast<T*>(found->second.get());
	}

	// False when there is none of that number (any more).
	bool Release(uint32_t number) { return table_.erase(number) != 0; }

private:
	std::unordered_map<uint32_t, std::unique_ptr<Resource>> table_;
	uint32_t last_ = 0;
};

}  // namespace skep
