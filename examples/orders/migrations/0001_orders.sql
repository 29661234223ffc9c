create table orders (
    id uuid primary key default gen_random_uuid(),
    customer text not null,
    item text not null,
    quantity integer not null check (quantity between 1 and 1000),
    -- What makes an order one, whatever becomes of the copy of its answer in Redis.
    idempotency_key text not null,
    placed_at timestamptz not null default now(),
    unique (customer, idempotency_key)
);

-- Orders to ship, written together with the order itself.
create table outbox (
    id bigint generated always as identity primary key,
    order_id uuid not null references orders
);

-- Orders that were shipped. The primary key is the promise that none is twice.
create table shipments (
    order_id uuid primary key references orders,
    shipped_by text not null,
    shipped_at timestamptz not null default now()
);
