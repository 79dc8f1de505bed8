// Package devstack is everything a laptop needs to run Fairlead, in one process and one
// folder: a private Postgres, a Temporal server with its Web UI, S3, Redis, an outbox that
// speaks SES v2, and an OpenID Connect issuer. Nothing has to be installed but Postgres's
// binaries (which are fetched when missing), and nothing leaves the machine.
//
// A stack goes through these states. Its folder is locked from starting to stopped, and
// holds everything that the next start goes on with.
//
//	           Start                 all parts take calls
//	stopped ───────────▶ starting ────────────────────────▶ running
//	   ▲                    │ a part fails, ctx ends           │ Stop, a part fails
//	   └────────────────────┴──────────────────────────────────┘
//	                  parts stop in reverse order
//
// A process that is killed leaves at most a Postgres server behind; the next start on the
// folder stops it, and Postgres recovers from its log.
//
// The folder:
//
//	lock               held, with the process id, while a stack runs
//	token              the admin's token (0600), made anew at each start and every 8 hours
//	issuer-key.pem     signs tokens (0600)
//	callback-key       signs the URLs by which runs are called back (0600)
//	issuer-url         who the tokens are from
//	ports.json         where everything listens: the client's commands look there
//	postgres           the cluster; postgres-password is its user's, postgres.log its log
//	s3                 objects as files; s3-secret is the secret key
//	sidecar            object metadata, where the file system has no extended attributes
//	outbox.ndjson      what was sent
//	temporal.log       warnings of the Temporal server
package devstack
