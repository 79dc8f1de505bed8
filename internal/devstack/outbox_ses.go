package devstack

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"strings"
	"time"
)

// sesMaxMessage is SES v2's limit on a message, 40 MB.
const sesMaxMessage = 40 << 20

// sendEmail is SES v2's SendEmail request as far as it says who gets what
// (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html).
type sendEmail struct {
	FromEmailAddress string
	Destination      struct{ ToAddresses, CcAddresses, BccAddresses []string }
	Content          struct {
		Simple *struct {
			Subject *sesContent
			Body    *struct{ Text, Html *sesContent }
		}
		Raw, Template json.RawMessage
	}
}

type sesContent struct{ Data string }

// handler serves SES v2's wire protocol, which only takes mail: the gateway shows it, to those with a token.
func (o *outbox) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/email/outbound-emails", o.serveSES)
	return mux
}

func (o *outbox) serveSES(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, sesMaxMessage))
	if err != nil {
		sesError(w, http.StatusBadRequest, "BadRequestException", "Request body could not be read or is too large")
		return
	}
	item, err := parseSendEmail(raw)
	if err != nil {
		sesError(w, http.StatusBadRequest, "BadRequestException", err.Error())
		return
	}
	item.ID, item.At = messageID(), time.Now().UTC()
	if err := o.add(item); err != nil {
		sesError(w, http.StatusInternalServerError, "InternalServiceErrorException", err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"MessageId": item.ID})
}

func parseSendEmail(raw []byte) (OutboxItem, error) {
	var request sendEmail
	if err := json.Unmarshal(raw, &request); err != nil {
		return OutboxItem{}, errors.New("Unexpected token in the request body: it is not a SendEmail request") //nolint:staticcheck // SES's style of message
	}
	simple, to := request.Content.Simple, request.Destination
	recipients := append(append(append([]string{}, to.ToAddresses...), to.CcAddresses...), to.BccAddresses...)
	switch {
	case request.FromEmailAddress == "":
		return OutboxItem{}, errors.New("Missing required field FromEmailAddress") //nolint:staticcheck // SES's style of message
	case len(recipients) == 0:
		return OutboxItem{}, errors.New("Recipient count is zero") //nolint:staticcheck // SES's style of message
	case request.Content.Raw != nil || request.Content.Template != nil:
		return OutboxItem{}, errors.New("This outbox takes Content.Simple only") //nolint:staticcheck // SES's style of message
	case simple == nil || simple.Subject == nil || simple.Body == nil || simple.Body.Text == nil && simple.Body.Html == nil:
		return OutboxItem{}, errors.New("Missing required field Content.Simple.Subject or Content.Simple.Body") //nolint:staticcheck // SES's style of message
	}
	for _, address := range append(recipients, request.FromEmailAddress) {
		if _, err := mail.ParseAddress(address); err != nil {
			return OutboxItem{}, fmt.Errorf("Illegal address: %s", address) //nolint:staticcheck // SES's style of message
		}
	}
	item := OutboxItem{Channel: "email", To: strings.Join(recipients, ", "), Subject: simple.Subject.Data, Payload: raw}
	if simple.Body.Text != nil {
		item.Text = simple.Body.Text.Data
	}
	return item, nil
}

// sesError answers as SES v2 does: the type in a header, the message in the body.
func sesError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// messageID has the form of SES's: it sorts by time, and ends in a part number.
func messageID() string {
	text := strings.ToLower(rand.Text())
	return fmt.Sprintf("%016x-%s-%s-000000", time.Now().UnixMilli(), text[:8], text[8:20])
}
