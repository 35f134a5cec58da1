"""What hosts do for the estate: routers steer, observers look at every site and ask for drains; the estate's store followed."""
