-- What leaves the house is noted in the lake's tables `delivery` and `receipt_day`, which a site has without a desk;
-- nothing was ever written here.

DROP TABLE receipts;
DROP TABLE deliveries;
