fazt.auth.requireLogin();
respond({ orders: fazt.app.user.ds.find('orders'), of: fazt.auth.getUser().name });
