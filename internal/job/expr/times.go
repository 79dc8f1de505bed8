package expr

import (
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// timeFunctions are date(s), addDays, addMonths, startOf and formatTime. Where
// a zone may be given and isn't, it is UTC.
func timeFunctions() []cel.EnvOption {
	stamp, text := cel.TimestampType, cel.StringType
	zoned := func(name string, args []*cel.Type, result *cel.Type, call func(t time.Time, arg ref.Val) (ref.Val, error)) cel.EnvOption {
		return cel.Function(name,
			cel.Overload(name+"_utc", args, result, cel.BinaryBinding(func(t, arg ref.Val) ref.Val {
				return inZone(name, call)(t, arg, types.String("UTC"))
			})),
			cel.Overload(name+"_zone", append(append([]*cel.Type{}, args...), text), result, cel.FunctionBinding(inZone(name, call))))
	}
	return []cel.EnvOption{
		cel.Function("date", cel.Overload("date_string", []*cel.Type{text}, stamp, cel.UnaryBinding(date))),
		zoned("addDays", []*cel.Type{stamp, cel.IntType}, stamp, addDays),
		zoned("addMonths", []*cel.Type{stamp, cel.IntType}, stamp, addMonths),
		zoned("startOf", []*cel.Type{stamp, text}, stamp, startOf),
		zoned("formatTime", []*cel.Type{stamp, text}, text, func(t time.Time, pattern ref.Val) (ref.Val, error) {
			formatted, err := formatTime(t, string(pattern.(types.String)))
			return types.String(formatted), err
		}),
	}
}

func noZone(function, zone string) ref.Val {
	return types.NewErr("%s(): %q is no time zone; write a name such as 'Europe/Paris' or 'UTC', or an offset such as '+02:00'", function, zone)
}

// getters are CEL's own functions of a timestamp's fields.
var getters = map[string]func(time.Time) int{
	"getFullYear": time.Time.Year, "getDate": time.Time.Day, "getHours": time.Time.Hour, "getMinutes": time.Time.Minute, "getSeconds": time.Time.Second,
	"getMonth":        func(t time.Time) int { return int(t.Month()) - 1 },
	"getDayOfMonth":   func(t time.Time) int { return t.Day() - 1 },
	"getDayOfWeek":    func(t time.Time) int { return int(t.Weekday()) },
	"getDayOfYear":    func(t time.Time) int { return t.YearDay() - 1 },
	"getMilliseconds": func(t time.Time) int { return t.Nanosecond() / int(time.Millisecond) },
}

// inNamedZone is one of CEL's getters, such as getHours(zone), whose own looks up zones on the machine.
func inNamedZone(name string, call *functions.Overload) *functions.Overload {
	return &functions.Overload{Operator: call.Operator, Function: func(args ...ref.Val) ref.Val {
		stamp, ok := args[0].(types.Timestamp)
		if len(args) == 1 || !ok {
			return invoke(call, args)
		}
		zone, ok := args[1].(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(args[1])
		}
		location, err := loadZone(string(zone))
		if err != nil {
			return noZone(name, string(zone))
		}
		return types.Int(getters[name](stamp.In(location)))
	}}
}

func inZone(name string, call func(t time.Time, arg ref.Val) (ref.Val, error)) functions.FunctionOp {
	return func(args ...ref.Val) ref.Val {
		zone := string(args[2].(types.String))
		location, err := loadZone(zone)
		if err != nil {
			return noZone(name, zone)
		}
		result, err := call(args[0].(types.Timestamp).In(location), args[1])
		if err != nil {
			return types.NewErr("%s(): %w", name, err)
		}
		return result
	}
}

// date reads a day as its first moment in UTC.
func date(v ref.Val) ref.Val {
	t, err := time.Parse(time.DateOnly, string(v.(types.String)))
	if err != nil {
		return types.NewErr("date() reads a day such as '2026-01-05', found %q; a day with a time is read by timestamp()", string(v.(types.String)))
	}
	return types.Timestamp{Time: t}
}

// maxShift bounds addDays and addMonths to the years that a timestamp can have.
const maxShift = 4_000_000

func addDays(t time.Time, n ref.Val) (ref.Val, error) {
	days := int64(n.(types.Int))
	if days > maxShift || days < -maxShift {
		return nil, fmt.Errorf("%d days is out of range", days)
	}
	return stampOf(t.AddDate(0, 0, int(days)))
}

// addMonths keeps the day of the month, or takes the month's last day where that has no such day.
func addMonths(t time.Time, n ref.Val) (ref.Val, error) {
	months := int64(n.(types.Int))
	if months > maxShift || months < -maxShift {
		return nil, fmt.Errorf("%d months is out of range", months)
	}
	year, month, day := t.Date()
	last := time.Date(year, month+time.Month(months)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	hour, minute, second := t.Clock()
	return stampOf(time.Date(year, month+time.Month(months), min(day, last), hour, minute, second, t.Nanosecond(), t.Location()))
}

func stampOf(t time.Time) (ref.Val, error) {
	const firstYear, lastYear = 1, 9999
	if year := t.UTC().Year(); year < firstYear || year > lastYear {
		return nil, fmt.Errorf("the year %d is out of range", year)
	}
	return types.Timestamp{Time: t.UTC()}, nil
}

// units are what startOf takes.
var units = []string{"second", "minute", "hour", "day", "week", "month", "quarter", "year"}

// startOf is the first moment of the unit that t is in, on the clock of its
// zone. A week begins on Monday.
func startOf(t time.Time, unit ref.Val) (ref.Val, error) {
	year, month, day := t.Date()
	midnight := func(m time.Month, d int) (ref.Val, error) {
		return stampOf(time.Date(year, m, d, 0, 0, 0, 0, t.Location()))
	}
	name := string(unit.(types.String))
	switch name {
	case "second":
		return stampOf(t.Truncate(time.Second))
	case "minute":
		return stampOf(t.Add(-time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond())))
	case "hour":
		into := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
		return stampOf(t.Add(-into))
	case "day":
		return midnight(month, day)
	case "week":
		sinceMonday := (int(t.Weekday()) + 6) % 7
		return midnight(month, day-sinceMonday)
	case "month":
		return midnight(month, 1)
	case "quarter":
		return midnight((month-1)/3*3+1, 1)
	case "year":
		return midnight(time.January, 1)
	}
	return nil, fmt.Errorf("%q is no unit%s; it takes '%s'", name, suggest(name, units), strings.Join(units, "', '"))
}
