import { type Table, table } from './tables.ts';

/** What the shop keeps in its own database. */
export const shopTables: readonly Table[] = [
  table(
    'shop.orders',
    'Orders that customers placed in the shop, one row an order.',
    `order_id text! Number of the order, as printed on the parcel slip.
     cust_id text Customer who placed the order.
     ordered_at time When the order was placed, in UTC.
     status text One of placed, shipped, delivered, cancelled and returned.
     currency text Currency of all amounts of the order.
     total_amount num Total with tax and shipping.
     channel text Where the order came from: web, app or phone.`,
  ),
  table(
    'shop.order_items',
    'What was ordered: one row for each line of an order.',
    `order_id text! Order the line belongs to.
     line int! Number of the line within its order, from 1.
     sku text Article that was ordered.
     quantity int How many pieces.
     unit_price num Price of one piece with tax.`,
  ),
  table(
    'shop.customers',
    'Everybody who ever placed an order, with the address of the last delivery.',
    `customer_id text! Number of the customer.
     full_name text Family name, given name.
     email text Address for order confirmations.
     country text Two letters of the country of delivery.
     postal_code text Postal code as the country writes it.
     town text Town of delivery.
     newsletter bool Whether the customer asked for the newsletter.
     customer_since date Day of the first order.`,
  ),
  table(
    'shop.products',
    'The catalogue: one row for each article that is or was on sale.',
    `sku text! Number of the article.
     name text Name of the article in the shop.
     price_amount num Price with tax.
     price_currency text Currency of the price.
     dimensions_cm list Length, width and height in centimetres.
     suppliers list Who can deliver the article, and how fast.
     discontinued_on date Last day of sale; empty while it is on sale.`,
  ),
  table(
    'shop.returns',
    'Articles that customers sent back.',
    `return_id text! Number of the return.
     order_id text Order the article belonged to.
     received_at time When the warehouse took it in.
     reason text Why it was sent back, in the words of the return form.
     refund_amount num What was paid back; empty while it is undecided.
     refund_method text How it was paid back: card or transfer.`,
  ),
  table(
    'shop.carts',
    'Shopping carts, also those that never became an order.',
    `cart_id text! Number of the cart.
     session_id text Visit in which it was filled.
     opened_at time When the first article was put in.
     items int How many articles it holds.
     ordered bool Whether it became an order.`,
  ),
  table(
    'shop.categories',
    'The tree of categories that articles are shown in.',
    `category_id text! Short name of the category.
     parent_id text Category above it; empty at the top.
     title text What customers read.`,
  ),
  table(
    'shop.prices',
    'Every price an article had, with the days it was valid.',
    `sku text! Article the price is for.
     valid_from date! First day of the price.
     amount num Price with tax.
     currency text Currency of the price.`,
  ),
  table(
    'shop.promotions',
    'Campaigns that lower prices for some days.',
    `promotion_id text! Number of the campaign.
     title text What customers read.
     starts_on date First day.
     ends_on date Last day.
     percent int By how much prices are lowered.`,
  ),
  table(
    'shop.vouchers',
    'Codes that lower the total of one order.',
    `code text! What the customer types in.
     promotion_id text Campaign the code belongs to.
     amount num What is taken off the total.
     used_in text Order that used it.`,
  ),
  table(
    'shop.shipments',
    'Parcels on their way to customers.',
    `shipment_id text! Number of the parcel.
     order_id text Order that is inside.
     carrier text Who brings it.
     handed_over_at time When the carrier took it.
     delivered_at time When it arrived; empty on the way.`,
  ),
  table(
    'shop.shipment_events',
    'What carriers report about parcels.',
    `shipment_id text! Parcel that is meant.
     happened_at time! When it happened.
     what text Word of the carrier, for example sorted.
     town text Where it happened.`,
  ),
  table(
    'shop.warehouses',
    'Places that articles are stored at and sent from.',
    `warehouse_id text! Short name of the place.
     town text Where it is.
     square_metres int How large it is.`,
  ),
  table(
    'shop.stock_levels',
    'How many pieces of each article lie where.',
    `warehouse_id text! Place of storage.
     sku text! Article.
     counted_on date! Day of the count.
     pieces int How many pieces were there in the evening.`,
  ),
  table(
    'shop.suppliers',
    'Companies that articles are bought from.',
    `supplier_id text! Number of the supplier.
     country text Two letters of its country.
     lead_days int Days from order to delivery, as agreed.`,
  ),
  table(
    'shop.purchase_orders',
    'What the shop ordered from its suppliers.',
    `purchase_id text! Number of the purchase.
     supplier_id text Who delivers.
     sku text Article that was bought.
     pieces int How many pieces.
     due_on date Day of delivery, as agreed.`,
  ),
  table(
    'shop.reviews',
    'What customers wrote about articles.',
    `review_id text! Number of the review.
     sku text Article that was reviewed.
     stars int One to five.
     written_at time When it was sent.`,
  ),
  table(
    'shop.wishlists',
    'Articles that customers marked for later.',
    `customer_id text! Whose list it is.
     sku text! Article on the list.
     added_at time When it was marked.`,
  ),
  table(
    'shop.sessions',
    'Visits of the shop: from the first page to half an hour of silence.',
    `session_id text! Number of the visit.
     started_at time First page.
     pages int How many pages were seen.
     device text phone, tablet or desk.`,
  ),
  table(
    'shop.page_views',
    'Each page that was shown, as the web servers report it.',
    `session_id text! Visit the page was seen in.
     seen_at time! When it was shown.
     path text Address of the page without parameters.`,
  ),
  table(
    'shop.search_queries',
    'What visitors typed into the search box.',
    `session_id text! Visit the search belongs to.
     asked_at time! When it was asked.
     words text What was typed.
     hits int How many articles were found.`,
  ),
  table(
    'shop.delivery_slots',
    'Hours in which large articles can be delivered.',
    `slot_id text! Number of the slot.
     starts_at time Start of the two hours.
     town text Where it is offered.
     free int How many deliveries still fit in.`,
  ),
  table(
    'shop.gift_cards',
    'Cards that were sold and what is left on them.',
    `card_id text! Number on the card.
     sold_on date Day of sale.
     amount num What was paid for it.
     left_amount num What is left on it.`,
  ),
  table(
    'shop.newsletter_sends',
    'Newsletters that were sent, by issue and country.',
    `issue text! Number of the issue.
     country text! Two letters of the country.
     sent int How many were sent.
     opened int How many were opened.`,
  ),
  table(
    'shop.banners',
    'Pictures at the top of pages, with the days they are shown.',
    `banner_id text! Number of the banner.
     promotion_id text Campaign it belongs to.
     starts_on date First day.
     ends_on date Last day.`,
  ),
  table(
    'shop.price_checks',
    'What other shops ask for the same articles.',
    `sku text! Our article.
     checked_on date! Day of the check.
     lowest num Lowest price that was found, in euros.`,
  ),
];

/** Tables that came during the story, with the loyalty programme of spring 2026. */
export const loyaltyTables: readonly Table[] = [
  table(
    'shop.loyalty_members',
    'Customers who take part in the loyalty programme.',
    `customer_id text! Number of the customer.
     joined_on date Day of joining.
     level text bronze, silver or gold.`,
  ),
  table(
    'shop.loyalty_points',
    'Points that members earned and spent.',
    `customer_id text! Whose points they are.
     booked_at time! When they were booked.
     points int Earned above zero, spent below.
     order_id text Order they came from or went into.`,
  ),
  table(
    'shop.loyalty_rewards',
    'What points can be spent on.',
    `reward_id text! Number of the reward.
     title text What members read.
     points int What it costs.`,
  ),
];
