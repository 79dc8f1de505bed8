// Package joblog keeps the logs of steps: one gzip NDJSON object in S3 for every
// execution of an attempt, and a copy of each record, best effort, in a live
// Redis stream.
//
//	Begin ──▶ Writer ──Log──▶ memory (compressed) ──Close──▶ S3
//	                   │                              └─ S3 is away ─▶ spool ──Drain──▶ S3
//	                   └────▶ live stream (may be lost, costs nothing when it is away)
//
// A [Reader] puts the three together again: every record once, by (step,
// execution, seq), wherever it is seen first.
package joblog
