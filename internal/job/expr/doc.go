// Package expr compiles and renders the `${…}` expressions of a job file: CEL
// (https://cel.dev) over JSON values.
//
// Evaluation is deterministic, so that workflow code may call it: there is no
// clock and no randomness, and maps are iterated in the order of their keys.
// Its cost is bounded: what a call would do far beyond its size is reckoned before
// it runs. The only thing read from outside is the time zone
// database, by the functions that take a zone.
//
// Types are for checking only. An expression that a typed [Env] accepts is
// evaluated exactly as what [Late] compiles, which knows no types.
package expr
