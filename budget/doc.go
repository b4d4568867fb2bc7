// Package budget decides who may start, how long a request and each of its
// steps may take, and how many operations it may start. It suits any Go service
// and knows nothing of HTTP.
//
// # Spending
//
// A [Budget] is made for each request by [New], and is its context. An
// [Operation] inside the request, such as one storage call, has a context of
// its own: it gets half of what remains, and never more than a cap, so that one
// slow call leaves time to answer with something better than a closed
// connection. What its like have lately taken longer than remains is refused
// before it starts. A little time is kept back for the answer. What was spent is
// known by [Phase].
//
// # Admission
//
// An [Admission] bounds how many compute at once. More than the number of
// processors only moves the queue into the scheduler, where nothing can see it.
// Callers belong to flows, such as the tenants of a service:
//
//   - A caller that waits for something else leaves its slot, and takes one
//     again after; within a flow it then goes before those who would begin.
//   - Slots go to flows by start-time fair queuing: each has a tag, the CPU that
//     it was given, and the smallest goes next. How long a run will take need
//     not be known for that (Goyal, Guo and Vin, "A Hierarchical CPU Scheduler
//     for Multimedia Operating Systems", OSDI 1996). A flood waits behind itself.
//   - A caller who finds no slot while nobody waits lets other goroutines go on,
//     for a moment, before it waits too: whoever asks has a processor, so one of
//     those with the slots has none just then.
//   - Within a flow the earliest deadline goes first. Where all have the same
//     time that is the order of arrival.
//   - No flow holds the last slot. It is lent to one whose runs are off their
//     slot within 10 ms, nine times in ten, and to one that has been alone for a
//     second.
//   - A run that has computed for 100 ms is long. Long runs have half of the
//     slots, and what nobody else wants. One beyond that is told to make way by
//     [Ticket.Yield]; while it cannot, others start beside it, up to twice as
//     many as there are slots.
//   - The wait is predicted from how fast the flow's queue has drained over the
//     last second. A caller who would wait longer than its deadline allows is
//     refused at once. So is one who would wait longer than 300 ms in a queue
//     that has not been empty for a second: a queue that stands does not keep
//     slots busier, it only makes everybody late. The two limits, one for bursts
//     and one for overload, are those of Maurer, "Fail at Scale", ACM Queue 13(8)
//     2015, which adapts CoDel (RFC 8289) to servers.
//   - A full queue drops the last of the longest flow (fq_codel, RFC 8290).
//   - Who is refused is told when the queue should have drained, with jitter.
//
// # Memory
//
// A [Pool] shares bytes among flows, and within a flow among the addresses that
// its work comes from: each may hold as much as it leaves free.
//
// Times are monotonic: a clock that is set changes nothing.
package budget
