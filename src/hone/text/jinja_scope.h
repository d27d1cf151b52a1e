// The variables of a running template.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <hone/text/jinja_ast.h>

namespace hone::jinja {

/// The variables that one block sets; what it does not find it looks for in its parent.
class Scope {
 public:
  const Value* find(Symbol name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent_) {
      if (const Value* value = scope->own(name)) return value;
    }
    return nullptr;
  }

  void set(Symbol name, Value value) {
    if (const Value* old = own(name)) {
      *const_cast<Value*>(old) = std::move(value);
      return;
    }
    variables_.emplace_back(name, std::move(value));
    if (variables_.size() <= kFew) return;
    for (std::size_t i = places_.empty() ? 0 : variables_.size() - 1; i < variables_.size(); ++i) {
      places_[variables_[i].first] = i;
    }
  }

  /// Keeps this scope and those around it alive to the end of the render, for a macro that may be
  /// called later.
  void keep() {
    for (Scope* scope = this; scope != nullptr && !scope->kept_; scope = scope->parent_)
      scope->kept_ = true;
  }

 private:
  friend class Scopes;

  static constexpr std::size_t kFew = 16;

  const Value* own(Symbol name) const {
    if (!places_.empty()) {
      const auto found = places_.find(name);
      return found == places_.end() ? nullptr : &variables_[found->second].second;
    }
    for (const auto& [symbol, value] : variables_) {
      if (symbol == name) return &value;
    }
    return nullptr;
  }

  void clear() {
    variables_.clear();
    places_.clear();
  }

  Scope* parent_ = nullptr;
  bool kept_ = false;
  std::vector<std::pair<Symbol, Value>> variables_;
  std::unordered_map<Symbol, std::size_t> places_;  // in variables_, once there are many
};

/// The scopes of one render.
class Scopes {
 public:
  /// A scope for as long as a block runs.
  class Guard {
   public:
    Guard(Scopes& scopes, Scope* parent) : scopes_(scopes), scope_(scopes.enter(parent)) {}
    ~Guard() { scopes_.leave(scope_); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    Scope& operator*() const { return *scope_; }
    Scope* operator->() const { return scope_; }

   private:
    Scopes& scopes_;
    Scope* scope_;
  };

  /// Forgets every variable, also of scopes that were kept.
  void clear() {
    for (const auto& scope : all_) scope->clear();
  }

 private:
  Scope* enter(Scope* parent) {
    if (free_.empty()) {
      all_.push_back(std::make_unique<Scope>());
      free_.push_back(all_.back().get());
    }
    Scope* scope = free_.back();
    free_.pop_back();
    scope->parent_ = parent;
    return scope;
  }

  void leave(Scope* scope) {
    if (scope->kept_) return;
    scope->clear();
    free_.push_back(scope);
  }

  std::vector<std::unique_ptr<Scope>> all_;
  std::vector<Scope*> free_;
};

}  // namespace hone::jinja
