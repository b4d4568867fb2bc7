// GET /api/price?sku=mug. The price is the Go service's to know.

function handler(request) {
  var sku = request.query.sku || '';
  try {
    return { sku: sku, cents: shop.price(sku) };
  } catch (e) {
    if (e.code !== 'UNKNOWN_ARTICLE') throw e;
    return respond(404, { error: { code: e.code, message: e.message } });
  }
}
