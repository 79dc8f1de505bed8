package jobmodel

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// object is a part of a job file.
type object map[string]any

// File is the job as a user writes it. Every call is of `http`, and is tried
// twice: a script may spend the first attempt.
func (j Job) File() ([]byte, error) {
	call := object{"url": "https://a.example"}
	file := object{
		"apiVersion": "fairlead/v1", "name": "model",
		"input": object{
			"type": "object", "required": []string{"skip"},
			"properties": object{"skip": object{"type": "array", "items": object{"type": "string"}}},
		},
		"defaults":       object{"with": object{"http": call}, "retry": object{"attempts": 2}},
		"timeout":        "8784h",
		"cleanupTimeout": "8784h",
		"steps":          objects(j.Steps, false),
	}
	if j.Timeout > 0 {
		file["timeout"] = j.Timeout.String()
	}
	if len(j.Finally) > 0 {
		file["finally"] = objects(j.Finally, false)
	}
	return json.Marshal(file)
}

// Input is the run's input that goes with the script.
func (s Script) Input() ([]byte, error) {
	skip := []string{}
	for unit := range maps.Keys(s.Skips) {
		skip = append(skip, unit.Step+"/"+unit.Item)
	}
	slices.Sort(skip)
	return json.Marshal(object{"skip": skip})
}

// objects are steps as they are written; perItem are those of a group that has items.
func objects(steps []Step, perItem bool) []object {
	list := make([]object, len(steps))
	for i, step := range steps {
		o := object{"id": step.ID}
		if step.Needs != nil {
			o["needs"] = step.Needs
		}
		if step.If {
			o["if"] = fmt.Sprintf("${!('%s/' in input.skip)}", step.ID)
			if perItem {
				o["if"] = fmt.Sprintf("${!('%s/' + x in input.skip)}", step.ID)
			}
		}
		if step.Foreach != nil {
			o["foreach"] = step.Foreach.object()
		}
		switch step.Cover {
		case CoverAll:
			o["continueOnError"] = true
		case CoverSoft:
			o["continueOnError"] = "${error.code == 'soft'}"
		case CoverNone:
		}
		if step.Compensate {
			o["compensate"] = object{"uses": "http"}
		}
		step.own(o)
		list[i] = o
	}
	return list
}

// own writes what a kind of steps has.
func (s Step) own(o object) {
	switch s.Kind {
	case Call:
		o["uses"] = "http"
		if s.Poll {
			o["poll"] = object{"every": "1m", "until": "${output.status == 200}", "timeout": "8784h"}
		}
	case Child:
		o["uses"], o["with"], o["output"] = "job.run", object{"job": "child"}, "${output.output}"
	case Callback:
		o["wait"] = object{"callback": object{"timeout": s.Time.String()}}
	case Wait:
		o["wait"] = object{"for": s.Time.String()}
	case Approval:
		o["approval"] = object{"timeout": s.Time.String(), "onTimeout": s.OnTimeout}
		o["output"] = "${output.decision + ' by ' + output.by}"
	case Group:
		o["steps"] = objects(s.Steps, s.Foreach != nil)
		if s.Time > 0 {
			o["timeout"] = s.Time.String()
		}
	}
}

func (f *Foreach) object() object {
	o := object{"in": f.Keys(), "as": "x", "parallel": f.Parallel}
	if f.Keyed {
		o["key"] = "${x}"
	}
	switch {
	case f.Percent:
		o["tolerate"] = fmt.Sprintf("%d%%", f.Tolerate)
	case f.Tolerate > 0:
		o["tolerate"] = f.Tolerate
	}
	return o
}
