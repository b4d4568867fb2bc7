// evil thrown toString
// want: BUDGET_CPU

throw {message: '', toJSON: function () { for (;;) {} }}
