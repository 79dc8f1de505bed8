package expr_test

import "testing"

const condition = "${input.count + 1 > steps.extract.output.status && steps.extract.status == 'succeeded'}"

func BenchmarkCompile(b *testing.B) {
	env := typed(b)
	for b.Loop() {
		if _, problems := env.Expression(condition); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	scope := scopeOf(b)
	x, problems := typed(b).Expression(condition)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	for b.Loop() {
		if _, err := x.Bool(scope); err != nil {
			b.Fatal(err)
		}
	}
}
