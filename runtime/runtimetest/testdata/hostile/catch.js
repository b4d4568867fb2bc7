// catch
// want: BUDGET_CPU

while (true) { try { try { while (true) {} } catch (e) {} } catch (e2) {} }
