#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <hone/base/error.h>
#include <hone/base/utf8.h>
#include <hone/format/torch_pickle.h>

namespace hone {
namespace {

struct Value;
using ValuePointer = Value*;  // into the machine's arena, so that values may contain themselves
using Values = std::vector<ValuePointer>;

/// What the pickle machine handles. Everything that is not looked at is `kOther`.
struct Value {
  enum class Kind : std::uint8_t {
    kOther,
    kInteger,
    kText,
    kTuple,
    kDict,
    kGlobal,
    kStorage,
    kTensor
  };
  Kind kind = Kind::kOther;
  std::int64_t integer = 0;
  std::string text = {};  // kText; kGlobal: `module.name`
  Values items = {};      // kTuple (lists too); kDict: keys and values in turn
  std::shared_ptr<const PickledTensor> tensor = {};  // kTensor; kStorage: the fields of its storage
};

using Kind = Value::Kind;

// About twenty values describe a tensor.
constexpr std::size_t kMostValues = std::size_t{1} << 21;

/// Runs the instructions that torch.save writes.
class Machine {
 public:
  Machine(std::string_view bytes, const std::string& place) : bytes_(bytes), place_(place) {}

  ValuePointer run() {
    while (true) {
      const auto code = static_cast<unsigned char>(take(1).front());
      if (code == '.') return pop();
      step(code);
    }
  }

 private:
  void step(unsigned char code);
  bool step_number(unsigned char code);
  bool step_text(unsigned char code);
  bool step_container(unsigned char code);
  bool step_memo(unsigned char code);
  void reduce();
  ValuePointer rebuild_tensor(const Values& arguments);
  ValuePointer persistent(const Value& id);

  ValuePointer make(Value value) {
    if (arena_.size() == kMostValues) fail(place_, ": the pickle holds too many values");
    return &arena_.emplace_back(std::move(value));
  }

  std::string_view take(std::size_t count) {
    if (count > bytes_.size() - at_) fail(place_, ": the pickle is cut short at byte ", at_);
    const auto part = bytes_.substr(at_, count);
    at_ += count;
    return part;
  }

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  std::string line() {
    const auto end = bytes_.find('\n', at_);
    if (end == std::string_view::npos) fail(place_, ": the pickle is cut short at byte ", at_);
    std::string text(bytes_.substr(at_, end - at_));
    at_ = end + 1;
    return text;
  }

  void push(Value value) { stack_.push_back(make(std::move(value))); }
  void push_text(std::size_t size) { push({.kind = Kind::kText, .text = std::string(take(size))}); }
  void push_integer(std::int64_t value) { push({.kind = Kind::kInteger, .integer = value}); }

  ValuePointer pop() {
    if (stack_.empty() || (!marks_.empty() && stack_.size() <= marks_.back()))
      fail(place_, ": the pickle takes a value that is not there, at byte ", at_);
    auto* value = stack_.back();
    stack_.pop_back();
    return value;
  }

  /// Everything above the last mark.
  Values pop_marked() {
    if (marks_.empty()) fail(place_, ": the pickle has no mark where it needs one, at byte ", at_);
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    marks_.pop_back();
    Values values(first, stack_.end());
    stack_.erase(first, stack_.end());
    return values;
  }

  void push_tuple(std::size_t count) {
    Values items(count);
    for (auto item = items.rbegin(); item != items.rend(); ++item) *item = pop();
    push({.kind = Kind::kTuple, .items = std::move(items)});
  }

  /// Adds to the list or the dictionary on top of the stack.
  void extend(const Values& values) {
    auto* target = pop();
    if (target->kind != Kind::kTuple && target->kind != Kind::kDict)
      fail(place_, ": the pickle adds items to what holds none, at byte ", at_);
    target->items.insert(target->items.end(), values.begin(), values.end());
    stack_.push_back(target);
  }

  void memoize(std::size_t key) {
    auto* value = pop();
    memo_[key] = value;
    stack_.push_back(value);
  }

  void recall(std::size_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) fail(place_, ": the pickle recalls what it never kept");
    stack_.push_back(found->second);
  }

  std::string_view bytes_;
  const std::string& place_;
  std::size_t at_ = 0;
  std::deque<Value> arena_;
  Values stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::map<std::size_t, ValuePointer> memo_;
};

// Instructions by their names in Python's pickletools.
enum Code : unsigned char {
  kProto = 0x80,
  kFrame = 0x95,
  kMark = '(',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kBinFloat = 'G',
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kEmptyList = ']',
  kEmptyDict = '}',
  kAppend = 'a',
  kAppends = 'e',
  kSetItem = 's',
  kSetItems = 'u',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBuild = 'b',
};

void Machine::step(unsigned char code) {
  if (step_number(code) || step_text(code) || step_container(code) || step_memo(code)) return;
  switch (code) {
    case kProto:
      if (const auto protocol = number<std::uint8_t>(); protocol < 2 || protocol > 5)
        fail(place_, ": pickle protocol ", static_cast<int>(protocol), " is not supported");
      return;
    case kFrame:
      take(8);
      return;
    case kMark:
      marks_.push_back(stack_.size());
      return;
    case kBinPersId:
      stack_.push_back(persistent(*pop()));
      return;
    case kReduce:
      return reduce();
    case kBuild: {  // attributes of the dictionary, such as the versions of modules
      pop();
      auto* target = pop();
      if (target->kind != Kind::kDict) fail(place_, ": holds objects; save the state_dict() alone");
      stack_.push_back(target);
      return;
    }
    default:
      fail(place_, ": pickle instruction ", static_cast<int>(code),
           " is not of a dictionary of tensors");
  }
}

bool Machine::step_number(unsigned char code) {
  switch (code) {
    case kNone:
    case kNewTrue:
    case kNewFalse:
      push({});
      return true;
    case kBinInt:
      push_integer(number<std::int32_t>());
      return true;
    case kBinInt1:
      push_integer(number<std::uint8_t>());
      return true;
    case kBinInt2:
      push_integer(number<std::uint16_t>());
      return true;
    case kLong1: {
      const auto digits = take(number<std::uint8_t>());
      if (digits.size() > 8) fail(place_, ": the pickle holds an integer of over 64 bits");
      std::uint64_t value = 0;
      std::memcpy(&value, digits.data(), digits.size());
      const auto unused = 64 - 8 * digits.size();  // the sign stands in the last byte
      push_integer(unused == 64 ? 0 : static_cast<std::int64_t>(value << unused) >> unused);
      return true;
    }
    case kBinFloat:
      take(8);
      push({});
      return true;
    default:
      return false;
  }
}

bool Machine::step_text(unsigned char code) {
  switch (code) {
    case kBinUnicode:
      push_text(number<std::uint32_t>());
      return true;
    case kShortBinUnicode:
      push_text(number<std::uint8_t>());
      return true;
    case kGlobal: {
      const auto module = line();
      push({.kind = Kind::kGlobal, .text = module + "." + line()});
      return true;
    }
    case kStackGlobal: {
      const auto *name = pop(), *module = pop();
      push({.kind = Kind::kGlobal, .text = module->text + "." + name->text});
      return true;
    }
    default:
      return false;
  }
}

bool Machine::step_container(unsigned char code) {
  switch (code) {
    case kEmptyTuple:
    case kEmptyList:
      push({.kind = Kind::kTuple});
      return true;
    case kTuple:
      push({.kind = Kind::kTuple, .items = pop_marked()});
      return true;
    case kTuple1:
    case kTuple2:
    case kTuple3:
      push_tuple(code - kTuple1 + 1u);
      return true;
    case kEmptyDict:
      push({.kind = Kind::kDict});
      return true;
    case kAppend:
      extend({pop()});
      return true;
    case kSetItem: {
      auto *value = pop(), *key = pop();
      extend({key, value});
      return true;
    }
    case kAppends:
    case kSetItems:
      extend(pop_marked());
      return true;
    default:
      return false;
  }
}

bool Machine::step_memo(unsigned char code) {
  switch (code) {
    case kBinPut:
      memoize(number<std::uint8_t>());
      return true;
    case kLongBinPut:
      memoize(number<std::uint32_t>());
      return true;
    case kMemoize:
      memoize(memo_.size());
      return true;
    case kBinGet:
      recall(number<std::uint8_t>());
      return true;
    case kLongBinGet:
      recall(number<std::uint32_t>());
      return true;
    default:
      return false;
  }
}

void Machine::reduce() {
  const auto *arguments = pop(), *function = pop();
  if (function->kind != Kind::kGlobal || arguments->kind != Kind::kTuple)
    fail(place_, ": the pickle calls what is no function, at byte ", at_);
  const auto& name = function->text;
  if (name == "collections.OrderedDict" && arguments->items.empty()) {
    push({.kind = Kind::kDict});
  } else if (name == "torch._utils._rebuild_tensor_v2") {
    stack_.push_back(rebuild_tensor(arguments->items));
  } else if (name == "torch._utils._rebuild_parameter" && !arguments->items.empty() &&
             arguments->items[0]->kind == Kind::kTensor) {
    stack_.push_back(arguments->items[0]);
  } else {
    fail(place_, ": refused to call ", quote(name), ": only tensors are unpickled");
  }
}

/// _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks)
ValuePointer Machine::rebuild_tensor(const Values& arguments) {
  const auto integers = [&](const Value& list) {
    std::vector<std::int64_t> numbers;
    for (const auto& item : list.items) {
      if (item->kind != Kind::kInteger) fail(place_, ": a tensor has a size that is no integer");
      numbers.push_back(item->integer);
    }
    return numbers;
  };
  if (arguments.size() < 4 || arguments[0]->kind != Kind::kStorage ||
      arguments[1]->kind != Kind::kInteger || arguments[2]->kind != Kind::kTuple ||
      arguments[3]->kind != Kind::kTuple)
    fail(place_, ": a tensor is not described as torch.save describes it");
  auto tensor = std::make_shared<PickledTensor>(*arguments[0]->tensor);
  tensor->storage_offset = arguments[1]->integer;
  tensor->shape = integers(*arguments[2]);
  tensor->strides = integers(*arguments[3]);
  return make({.kind = Kind::kTensor, .tensor = std::move(tensor)});
}

/// ("storage", type, key, location, count)
ValuePointer Machine::persistent(const Value& id) {
  const auto& items = id.items;
  if (id.kind != Kind::kTuple || items.size() != 5 || items[0]->text != "storage" ||
      items[1]->kind != Kind::kGlobal || items[2]->kind != Kind::kText ||
      items[4]->kind != Kind::kInteger)
    fail(place_, ": a storage is not described as torch.save describes it");
  auto storage = std::make_shared<PickledTensor>();
  const auto& type = items[1]->text;
  storage->storage_type = type.substr(type.rfind('.') + 1);
  storage->storage_key = items[2]->text;
  storage->storage_count = items[4]->integer;
  return make({.kind = Kind::kStorage, .tensor = std::move(storage)});
}

}  // namespace

std::vector<PickledTensor> read_torch_pickle(std::string_view bytes, const std::string& place) {
  Machine machine(bytes, place);
  const auto* top = machine.run();
  if (top->kind != Kind::kDict) fail(place, ": holds no dictionary; save the state_dict() alone");
  std::vector<PickledTensor> tensors;
  for (std::size_t i = 0; i + 1 < top->items.size(); i += 2) {
    const auto& key = *top->items[i];
    const auto& value = *top->items[i + 1];
    if (key.kind != Kind::kText || find_invalid_utf8(key.text))
      fail(place, ": a tensor has a name that is no text");
    if (value.kind != Kind::kTensor)
      fail(place, ": ", quote(key.text), " is no tensor; save the state_dict() alone");
    tensors.push_back(*value.tensor);
    tensors.back().name = key.text;
  }
  return tensors;
}

}  // namespace hone
