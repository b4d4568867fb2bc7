var user = fazt.auth.getUser();
respond({ reader: user ? user.name : 'a stranger', signIn: fazt.auth.getLoginURL() });
