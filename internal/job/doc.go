// Package job is the job language: it reads and checks job files, gives them
// one canonical form, and plans runs. It is pure: no clock, no I/O, no
// goroutine, so that workflows may call it.
//
//	source ──Load──▶ Version{Canonical, Digest} ──stored──▶ Open ──▶ Program
//	                                                                  ├─ CheckInput            what a run may be given
//	                                                                  ├─ Main, Group, Finally  which steps come next: Block.Next
//	                                                                  ├─ Condition, Continues  a step's `if` and `continueOnError`
//	                                                                  ├─ Items, Until, Message its `foreach`, `wait` and `approval`
//	                                                                  ├─ StepJSON, Callbacks   what its activity refers to
//	                                                                  ├─ StepOutput            what a step gives that is no call
//	                                                                  └─ Output                what the run gives back
//
// A document passes three gates, and every problem of the last two comes in one
// answer: its syntax (split.go, yaml.go, json.go), its grammar
// (schema/job.schema.json: grammar.go, explain.go), its meaning (check*.go).
package job
