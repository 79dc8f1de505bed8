package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"

	"github.com/fairlead/fairlead/activities"
	"github.com/fairlead/fairlead/internal/job"
)

const (
	// idHeader and idTag carry a delivery's ID: SES itself knows no idempotency token.
	idHeader = "X-Fairlead-Notification"
	idTag    = "fairlead-notification"
)

// SESOptions say how mail is sent.
type SESOptions struct {
	// Endpoint is the URL of a server that speaks SES v2; "" is AWS.
	Endpoint string
	Region   string
	// From is the sender of every message.
	From string
	// AccessKey and SecretKey are static credentials; "" is the default AWS chain.
	AccessKey, SecretKey string
}

// SES sends mail through SES v2. It is a [Mailer].
type SES struct {
	client *sesv2.Client
	from   string
}

// NewSES returns a mailer, without calling SES.
func NewSES(ctx context.Context, o SESOptions) (*SES, error) {
	cfg, err := o.aws(ctx)
	if err != nil {
		return nil, fmt.Errorf("configure SES: %w", err)
	}
	client := sesv2.NewFromConfig(cfg, func(options *sesv2.Options) {
		if o.Endpoint != "" {
			options.BaseEndpoint = aws.String(o.Endpoint)
		}
	})
	return &SES{client: client, from: o.From}, nil
}

// aws are the SDK's settings. With static credentials, the AWS files and
// variables of whoever runs this are not read.
func (o SESOptions) aws(ctx context.Context) (aws.Config, error) {
	// The activity retries: the provider's own retries would hide it.
	retryer := func() aws.Retryer { return aws.NopRetryer{} }
	if o.AccessKey != "" {
		keys := credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, "")
		return aws.Config{Region: o.Region, Retryer: retryer, Credentials: keys}, nil
	}
	return config.LoadDefaultConfig(ctx, config.WithRegion(o.Region), config.WithRetryer(retryer))
}

// Send sends one message and returns SES's ID of it.
func (s *SES) Send(ctx context.Context, id string, message Message) (string, error) {
	headers := []types.MessageHeader{{Name: aws.String(idHeader), Value: aws.String(id)}}
	for _, name := range slices.Sorted(maps.Keys(message.Headers)) {
		headers = append(headers, types.MessageHeader{Name: aws.String(name), Value: aws.String(message.Headers[name])})
	}
	utf8 := func(text string) *types.Content {
		return &types.Content{Data: aws.String(text), Charset: aws.String("UTF-8")}
	}
	sent, err := s.client.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(s.from),
		Destination:      &types.Destination{ToAddresses: []string{message.To}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: utf8(message.Subject),
			Body:    &types.Body{Text: utf8(message.Text), Html: utf8(message.HTML)},
			Headers: headers,
		}},
		EmailTags: []types.MessageTag{{Name: aws.String(idTag), Value: aws.String(id)}},
	})
	if err != nil {
		return "", sesFailure(err)
	}
	return aws.ToString(sent.MessageId), nil
}

// sesFailure says what SES refused, and whether another try may help
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors).
func sesFailure(err error) error {
	failed := &activities.Failed{Cause: err, Failure: job.Failure{Code: "email_unavailable", Message: "SES did not take the e-mail", Retryable: true}}
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		failed.Status = response.HTTPStatusCode()
		failed.RetryAfter = activities.RetryAfter(response.Response.Header, time.Now())
	}
	var (
		rejected   *types.MessageRejected
		bad        *types.BadRequestException
		unverified *types.MailFromDomainNotVerifiedException
		suspended  *types.AccountSuspendedException
		missing    *types.NotFoundException
	)
	for _, refusal := range []any{&rejected, &bad, &unverified, &suspended, &missing} {
		if errors.As(err, refusal) {
			failed.Code, failed.Retryable = "email_refused", false
		}
	}
	if cause := activities.OneLine(err.Error(), maxCause); cause != "" {
		failed.Message = cause
	}
	return failed
}
