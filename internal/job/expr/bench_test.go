package expr_test

import (
	"testing"

	"github.com/fairlead/fairlead/internal/job/expr"
)

const condition = "${input.count + 1 > steps.extract.output.status && steps.extract.status == 'succeeded'}"

func BenchmarkCompile(b *testing.B) {
	env := typed(b)
	for b.Loop() {
		if _, problems := env.Single(condition, expr.WantBool); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	scope := scopeOf(b)
	x, problems := typed(b).Single(condition, expr.WantBool)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	for b.Loop() {
		if _, err := x.Bool(scope); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileLate(b *testing.B) {
	scope := scopeOf(b)
	for b.Loop() {
		x, err := expr.LateCondition(condition)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x.Bool(scope); err != nil {
			b.Fatal(err)
		}
	}
}
