import { base64url, calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, errors, jwtVerify, SignJWT, UnsecuredJWT } from 'jose';

export default async function (request) {
  const secret = new TextEncoder().encode('a secret of thirty-two bytes, or more');
  const unsecured = new UnsecuredJWT({ a: 1 }).setIssuedAt(0).setIssuer('me').encode();
  const signed = await new SignJWT({ sub: 'ann' }).setProtectedHeader({ alg: 'HS256' }).setIssuedAt(1700000000).sign(secret);
  const { payload } = await jwtVerify(signed, secret);
  let forged;
  try {
    await jwtVerify(signed.slice(0, -4) + 'AAAA', secret);
  } catch (e) {
    forged = [e.code, e instanceof errors.JWSSignatureVerificationFailed];
  }
  return {
    unsecured, claims: decodeJwt(unsecured), header: decodeProtectedHeader(signed), signed, payload, forged,
    encoded: base64url.encode('hé?'),
    thumbprint: await calculateJwkThumbprint({ kty: 'oct', k: 'AAAA' }),
  };
}
