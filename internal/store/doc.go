// Package store keeps Fairlead's own facts in Postgres: jobs and their
// versions, the rows of runs and steps, deliveries, the audit trail, and the
// logs that S3 did not take.
//
// A run's row is the read model of its workflow. It changes only for a greater
// rev, and never leaves an end:
//
//	Submit            Record                Record
//	───────▶ queued ─────────▶ running ───────────────▶ succeeded | failed | canceled | timed_out | skipped
//	                            │   ▲
//	                            └───┘ Record with a greater rev
//
// Every error is a [job.Error]: not_found, conflict, idempotency_mismatch,
// malformed, unavailable when Postgres is away, internal for a defect. An
// error of a context that its caller canceled still wraps [context.Canceled].
package store
