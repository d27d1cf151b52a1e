// Python's arithmetic on numbers.
#include <cmath>

#include <hone/base/error.h>
#include <hone/text/jinja_operators.h>

namespace hone::jinja {
namespace {

[[noreturn]] void overflow() {
  fail("a number needs more than 64 bits");
}

Value integer_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) fail("0.0 cannot be raised to a negative power");
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) overflow();
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) overflow();
  }
  return Value::integer(result);
}

Value integer_arithmetic(Operator op, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  const bool divides =
      op == Operator::kDivide || op == Operator::kFloorDivide || op == Operator::kModulo;
  if (divides && b == 0) fail("division by zero");
  switch (op) {
    case Operator::kAdd:
      if (__builtin_add_overflow(a, b, &result)) overflow();
      return Value::integer(result);
    case Operator::kSubtract:
      if (__builtin_sub_overflow(a, b, &result)) overflow();
      return Value::integer(result);
    case Operator::kMultiply:
      if (__builtin_mul_overflow(a, b, &result)) overflow();
      return Value::integer(result);
    case Operator::kDivide:
      return Value::real(static_cast<double>(a) / static_cast<double>(b));
    case Operator::kPower:
      return integer_power(a, b);
    default:
      break;
  }
  if (b == -1) {  // the quotient of the smallest int would not fit, its rest is 0
    if (op == Operator::kModulo) return Value::integer(0);
    if (__builtin_sub_overflow(std::int64_t{0}, a, &result)) overflow();
    return Value::integer(result);
  }
  const bool rounds_up = a % b != 0 && (a < 0) != (b < 0);
  if (op == Operator::kFloorDivide) return Value::integer(a / b - (rounds_up ? 1 : 0));
  return Value::integer(a % b + (rounds_up ? b : 0));
}

/// Python's float modulo: the sign of the divisor.
double float_modulo(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
  return rest == 0 ? std::copysign(0.0, b) : rest;
}

double floor_divide(double a, double b) {
  const double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, a / b);
  const double whole = std::floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

Value float_arithmetic(Operator op, double a, double b) {
  const bool divides =
      op == Operator::kDivide || op == Operator::kFloorDivide || op == Operator::kModulo;
  if (divides && b == 0) fail("float division by zero");
  switch (op) {
    case Operator::kAdd:
      return Value::real(a + b);
    case Operator::kSubtract:
      return Value::real(a - b);
    case Operator::kMultiply:
      return Value::real(a * b);
    case Operator::kDivide:
      return Value::real(a / b);
    case Operator::kFloorDivide:
      return Value::real(floor_divide(a, b));
    case Operator::kModulo:
      return Value::real(float_modulo(a, b));
    default:
      break;
  }
  if (a == 0 && b < 0) fail("0.0 cannot be raised to a negative power");
  if (a < 0 && b != std::floor(b) && std::isfinite(a))
    fail("a negative number to a fractional power is not supported");
  const double power = std::pow(a, b);
  if (std::isinf(power) && std::isfinite(a) && std::isfinite(b))
    fail("a power is too large for a float");
  return Value::real(power);
}

}  // namespace

Value number_arithmetic(Operator op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return integer_arithmetic(op, a.as_int(), b.as_int());
  return float_arithmetic(op, a.as_double(), b.as_double());
}

Value negative(const Value& value) {
  if (value.is_undefined()) fail(value.undefined_message());
  if (value.is(Kind::kFloat)) return Value::real(-value.as_double());
  if (!value.is_integral()) fail("bad operand type for unary -: '", value.type_name(), "'");
  return integer_arithmetic(Operator::kSubtract, 0, value.as_int());
}

Value positive(const Value& value) {
  if (value.is_undefined()) fail(value.undefined_message());
  if (value.is(Kind::kFloat)) return value;
  if (!value.is_integral()) fail("bad operand type for unary +: '", value.type_name(), "'");
  return Value::integer(value.as_int());
}

}  // namespace hone::jinja
