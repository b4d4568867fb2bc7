package ottojs
