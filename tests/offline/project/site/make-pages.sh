#!/bin/sh
# Makes as many pages as it is told, in no order, with times of their own: the layer has an order and no time.
set -e
cd ../site
number=$1
while [ "$number" -gt 0 ]; do
    sed "s/tiny/page $number/" ../app/index.html >"$number.html"
    number=$((number - 1))
done
ln -s 1.html first.html
