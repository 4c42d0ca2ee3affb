CREATE TABLE categories (
  category_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  department TEXT NOT NULL -- 'Home', 'Kitchen', 'Outdoor', 'Office', 'Toys', 'Electronics'
);
CREATE TABLE suppliers (
  supplier_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  country TEXT NOT NULL, -- two-letter code
  email TEXT -- NULL: unknown
);
CREATE TABLE products (
  product_id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  category_id INTEGER NOT NULL REFERENCES categories(category_id),
  supplier_id INTEGER NOT NULL REFERENCES suppliers(supplier_id),
  list_price REAL NOT NULL,
  unit_cost REAL NOT NULL, -- what the shop pays the supplier
  weight_kg REAL, -- NULL: not weighed yet
  stock INTEGER NOT NULL,
  status TEXT NOT NULL -- 'active', 'discontinued'
);
CREATE TABLE customers (
  customer_id INTEGER PRIMARY KEY,
  full_name TEXT NOT NULL,
  email TEXT, -- NULL: not given; mixed case
  segment TEXT NOT NULL, -- 'consumer', 'business'
  newsletter INTEGER NOT NULL, -- 1: subscribed, 0: not
  signup_date DATE NOT NULL
);
CREATE TABLE addresses (
  address_id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers(customer_id),
  street TEXT NOT NULL,
  city TEXT NOT NULL,
  country TEXT NOT NULL, -- two-letter code: 'DE', 'FR', 'GB', 'NL', 'ES', 'US'
  is_default INTEGER NOT NULL -- 1: the customer's home address, one per customer
);
CREATE TABLE orders (
  order_id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers(customer_id),
  address_id INTEGER NOT NULL REFERENCES addresses(address_id), -- where it is shipped to
  order_date DATE NOT NULL,
  status TEXT NOT NULL, -- 'pending', 'paid', 'shipped', 'delivered', 'cancelled'
  channel TEXT NOT NULL, -- 'web', 'app', 'phone'
  coupon_code TEXT, -- NULL: none used; typed by customers in any case
  shipping_fee REAL NOT NULL,
  total_amount REAL NOT NULL -- sum of the line_total of its items, without shipping_fee
);
CREATE TABLE order_items (
  order_item_id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders(order_id),
  product_id INTEGER NOT NULL REFERENCES products(product_id),
  quantity INTEGER NOT NULL,
  unit_price REAL NOT NULL, -- as charged, after discount
  line_total REAL NOT NULL -- quantity * unit_price
);
CREATE TABLE payments (
  payment_id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders(order_id),
  method TEXT NOT NULL, -- 'card', 'paypal', 'invoice', 'gift_card'
  status TEXT NOT NULL, -- 'captured', 'failed', 'refunded'
  amount REAL NOT NULL,
  paid_at TIMESTAMP NOT NULL
);
CREATE TABLE shipments (
  shipment_id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders(order_id),
  carrier TEXT NOT NULL, -- 'DHL', 'UPS', 'FedEx', 'PostNL'
  shipped_date DATE NOT NULL,
  delivered_date DATE -- NULL: still on its way
);
CREATE TABLE returns (
  return_id INTEGER PRIMARY KEY,
  order_item_id INTEGER NOT NULL REFERENCES order_items(order_item_id),
  return_date DATE NOT NULL,
  quantity INTEGER NOT NULL,
  reason TEXT, -- 'damaged', 'wrong item', 'changed mind', 'too late'; NULL: not given
  refund_amount REAL NOT NULL
);
CREATE TABLE reviews (
  review_id INTEGER PRIMARY KEY,
  product_id INTEGER NOT NULL REFERENCES products(product_id),
  customer_id INTEGER NOT NULL REFERENCES customers(customer_id),
  rating INTEGER NOT NULL, -- 1 to 5
  title TEXT, -- NULL: stars only
  review_date DATE NOT NULL
);
