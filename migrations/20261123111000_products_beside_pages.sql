-- The pages /products/rds and /products/esu, and the two older ones, hide a product of that address: it gets another, as
-- products that are added from now on do. Where that one is taken too, nobody has met the page yet: it keeps its own.
UPDATE products p SET slug = p.slug || '-product'
WHERE p.slug IN ('new', 'which-key', 'rds', 'esu') AND NOT EXISTS (SELECT FROM products o WHERE o.slug = p.slug || '-product');
