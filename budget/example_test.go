package budget_test

import (
	"context"
	"fmt"
	"time"

	"github.com/fazt-sh/fazt/budget"
)

// A request with two seconds gives its first storage call half of that.
func Example() {
	config, err := budget.Config{RequestTimeout: 2 * time.Second}.WithDefaults()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := config.Start(context.Background())
	defer cancel()

	op, done, err := budget.Operation(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer done()
	deadline, _ := op.Deadline()
	fmt.Println(time.Until(deadline).Round(100 * time.Millisecond))
	// Output: 1s
}
