package job

import "slices"

// graph is what steps wait for, by their places in the file.
type graph struct {
	needs [][]int
	ids   []string
}

// newGraph returns the graph of resolved needs. A step with no id, or another's, has no place in index.
func newGraph(steps []Step, index map[string]int) *graph {
	g := &graph{needs: make([][]int, len(steps)), ids: make([]string, len(steps))}
	for i, step := range steps {
		g.ids[i] = step.ID
		for _, id := range step.Needs {
			if j, ok := index[id]; ok && j != i {
				g.needs[i] = append(g.needs[i], j)
			}
		}
	}
	return g
}

// order returns every step after those it needs, otherwise in the order of the
// file. Steps that wait for each other come last.
func (g *graph) order() []int {
	done := make([]bool, len(g.needs))
	var order []int
	var visit func(i int, open map[int]bool)
	visit = func(i int, open map[int]bool) {
		if done[i] || open[i] {
			return
		}
		open[i] = true
		for _, j := range g.needs[i] {
			visit(j, open)
		}
		done[i] = true
		order = append(order, i)
	}
	for i := range g.needs {
		visit(i, map[int]bool{})
	}
	return order
}

// ancestors returns the steps that have ended before step i begins, sorted by place.
func (g *graph) ancestors(i int) []int {
	seen := make([]bool, len(g.needs))
	stack := slices.Clone(g.needs[i])
	var found []int
	for len(stack) > 0 {
		j := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[j] || j == i {
			continue
		}
		seen[j] = true
		found = append(found, j)
		stack = append(stack, g.needs[j]...)
	}
	slices.Sort(found)
	return found
}

// circles returns one circle for every group of steps that wait for each other:
// each step needs the next, the last the first; the first is the first in the file.
func (g *graph) circles() [][]int {
	var circles [][]int
	taken := make([]bool, len(g.needs))
	for i := range g.needs {
		if taken[i] {
			continue
		}
		if circle := g.back(i, taken); circle != nil {
			circles = append(circles, circle)
			for _, j := range circle {
				taken[j] = true
			}
		}
	}
	return circles
}

// back returns a shortest way from a step over its needs back to itself, or nil.
func (g *graph) back(from int, taken []bool) []int {
	came := map[int]int{}
	queue := []int{from}
	for len(queue) > 0 {
		i := queue[0]
		queue = queue[1:]
		for _, j := range g.needs[i] {
			if j == from {
				circle := []int{i}
				for i != from {
					i = came[i]
					circle = append(circle, i)
				}
				slices.Reverse(circle)
				return circle
			}
			if _, seen := came[j]; !seen && !taken[j] {
				came[j] = i
				queue = append(queue, j)
			}
		}
	}
	return nil
}
