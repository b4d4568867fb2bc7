// an endless chain of timers
// engine: goja

const f = () => setTimeout(f, 0); f(); for (let i = 0; i < 20000; i++) setTimeout(f, 1)
