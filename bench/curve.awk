# The curve of CPU against delay as SVG.  Lines in: GROUP LABEL DELAY_MS COST
{ group[NR] = $1; label[NR] = $2; x[NR] = $3 > 0.1 ? $3 : 0.1; y[NR] = $4
	if ($4 > top) top = $4; if ($3 > right) right = $3 }
function px(ms) { return 70 + (log(ms) - log(low)) / (log(high) - log(low)) * 560 }
function py(cost) { return 370 - cost / top * 330 }
END {
	low = 0.5; high = 1000
	for (i = 1; i <= NR; i++) if (x[i] < low) low = x[i]
	if (right * 1.2 > high) high = right * 1.2
	top *= 1.1
	if (top <= 0) top = 1
	colour["sluice"] = "#0a58ca"; colour["nginx"] = "#c0392b"; colour["floor"] = "#555"
	print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 700 430\" font-family=\"sans-serif\" font-size=\"12\">"
	print "<rect width=\"700\" height=\"430\" fill=\"#fff\"/>"
	print "<path d=\"M70 30V370H640\" fill=\"none\" stroke=\"#000\"/>"
	for (ms = 1; ms <= high; ms *= 10)
		printf "<path d=\"M%.1f 370v5\" stroke=\"#000\"/><text x=\"%.1f\" y=\"390\" text-anchor=\"middle\">%g</text>\n", px(ms), px(ms), ms
	for (i = 0; i <= 4; i++)
		printf "<path d=\"M70 %.1fH640\" stroke=\"#ddd\"/><text x=\"62\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>\n", py(top * i / 4), py(top * i / 4) + 4, top * i / 4
	print "<text x=\"355\" y=\"415\" text-anchor=\"middle\">delay of all frames, p50, ms</text>"
	print "<text transform=\"translate(18 200) rotate(-90)\" text-anchor=\"middle\">server CPU, s per GB</text>"
	# lines of a group, by delay
	for (i = 1; i <= NR; i++) order[i] = i
	for (i = 2; i <= NR; i++)
		for (j = i; j > 1 && x[order[j]] < x[order[j - 1]]; j--) { t = order[j]; order[j] = order[j - 1]; order[j - 1] = t }
	for (k = 1; k <= NR; k++) {
		i = order[k]; g = group[i]
		path[g] = path[g] sprintf("%s%.1f %.1f", path[g] == "" ? "M" : "L", px(x[i]), py(y[i]))
	}
	for (g in path) printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", path[g], colour[g] ? colour[g] : "#2a7"
	for (i = 1; i <= NR; i++)
		printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/><text x=\"%.1f\" y=\"%.1f\">%s</text>\n", px(x[i]), py(y[i]), colour[group[i]] ? colour[group[i]] : "#2a7", px(x[i]) + 7, py(y[i]) + (group[i] == "floor" ? 18 : -6), label[i]
	print "</svg>"
}
