package job

import (
	"errors"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// The core schema of YAML 1.2 (section 10.3.2). `on`, `no`, `0o`-less octals,
// `1_000`, sexagesimals and dates, which YAML 1.1 knew, are text or decimals.
var (
	yamlInt   = regexp.MustCompile(`^[-+]?[0-9]+$`)
	yamlOctal = regexp.MustCompile(`^0o[0-7]+$`)
	yamlHex   = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	yamlFloat = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	yamlInf   = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.nan|\.NaN|\.NAN)$`)
)

// errNumber is why a number is refused.
var errNumber = errors.New("a number out of range; quote it if it is text")

// errDigits is why an integer is refused that expressions would round.
var errDigits = errors.New("an integer of more than 64 bits, which would lose digits; quote it if it is text")

// plainScalar resolves a plain YAML scalar.
func plainScalar(text string, pos position) (*node, error) {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return &node{kind: kindNull, pos: pos}, nil
	case "true", "True", "TRUE":
		return &node{kind: kindBool, truth: true, pos: pos}, nil
	case "false", "False", "FALSE":
		return &node{kind: kindBool, pos: pos}, nil
	}
	if yamlInf.MatchString(text) {
		return nil, errors.New("JSON has no number " + text + "; quote it if it is text")
	}
	decimal, ok := yamlDecimal(text)
	if !ok {
		return &node{kind: kindString, text: text, pos: pos}, nil
	}
	number, err := canonicalNumber(decimal)
	if err != nil {
		return nil, err
	}
	return &node{kind: kindNumber, text: number, pos: pos}, nil
}

// yamlDecimal returns a plain scalar as a decimal number, and false where it is text.
func yamlDecimal(text string) (string, bool) {
	switch {
	case yamlInt.MatchString(text), yamlFloat.MatchString(text):
		return text, true
	case yamlOctal.MatchString(text), yamlHex.MatchString(text):
		if n, ok := new(big.Int).SetString(text, 0); ok {
			return n.String(), true
		}
	}
	return "", false
}

// maxDigits bounds an exact integer: what a float64 can hold has no more.
const maxDigits = 310

// canonicalNumber is the one form of a decimal number: an integral value as
// exact digits, if an int64 or a float64 can hold them all; any other as the shortest text that reads
// back as the same float64.
func canonicalNumber(text string) (string, error) {
	float, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(float, 0) {
		return "", errNumber
	}
	if digits, ok := integralDigits(text); ok {
		if len(digits) > maxDigits {
			return "", errNumber
		}
		if _, err := strconv.ParseInt(digits, 10, 64); err != nil && !exactly(float, digits) {
			return "", errDigits
		}
		return digits, nil
	}
	if float == 0 {
		return "0", nil // too small for a float64
	}
	return strconv.FormatFloat(float, 'g', -1, 64), nil
}

// exactly reports whether the digits are a float64's: its exact integer, or the
// shortest text that reads back as it, as programs write it.
func exactly(float float64, digits string) bool {
	if strconv.FormatFloat(float, 'f', -1, 64) == digits {
		return true
	}
	whole, ok := new(big.Int).SetString(digits, 10)
	held, _ := new(big.Float).SetFloat64(float).Int(nil)
	return ok && held.Cmp(whole) == 0
}

// integralDigits returns the digits of a decimal number that has no fraction.
// Its exponent is known to be small: the number fits a float64.
func integralDigits(text string) (string, bool) {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign = "-"
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(strings.TrimLeft(text, "+-")), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if strings.Trim(digits, "0") == "" {
		return "0", true
	}
	shift := -len(fraction)
	if exponent != "" {
		e, err := strconv.Atoi(exponent)
		if err != nil {
			return "", false
		}
		shift += e
	}
	trimmed := strings.TrimRight(digits, "0")
	shift += len(digits) - len(trimmed)
	trimmed = strings.TrimLeft(trimmed, "0")
	if shift < 0 || shift > maxDigits {
		return "", false
	}
	return sign + trimmed + strings.Repeat("0", shift), true
}
