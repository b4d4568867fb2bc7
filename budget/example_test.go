package budget_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fazt-sh/fazt/budget"
)

// A request with two seconds gives its first storage call half of that, or nearly:
// a little is kept back for the answer.
func Example() {
	config, err := budget.Config{RequestTimeout: 2 * time.Second}.WithDefaults()
	if err != nil {
		fmt.Println(err)
		return
	}
	b := budget.New(context.Background(), config)
	defer b.Close()

	reading := budget.NewOperation("reading", budget.StorageRead) // once, for all requests
	op, done, err := reading.Start(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer done()
	deadline, _ := op.Deadline()
	fmt.Println(time.Until(deadline).Round(100 * time.Millisecond))
	// Output: 1s
}

// A service lets as many compute as it has processors. Whoever cannot be served
// in time is told so at once.
func ExampleAdmission() {
	admission, err := budget.NewAdmission(budget.AdmissionConfig{Slots: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	first, err := admission.Enter(context.Background(), budget.Caller{Flow: "reports"})
	if err != nil {
		fmt.Println(err)
		return
	}
	hurried, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err = admission.Enter(hurried, budget.Caller{Flow: "pages"})
	fmt.Println(errors.Is(err, context.DeadlineExceeded))

	first.Leave() // while it waits for something
	second, err := admission.Enter(context.Background(), budget.Caller{Flow: "pages"})
	fmt.Println(err)
	second.Done()
	fmt.Println(first.Resume(context.Background()))
	first.Done()
	// Output:
	// true
	// <nil>
	// <nil>
}
