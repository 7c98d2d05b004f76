#!/bin/bash
# Makes the documents of this folder again: make.sh FOLDER. The results differ in dates and ids from the committed ones.
# Needs the programs that README.md names; $PYTHON has reportlab, python-docx, weasyprint, typst, pypdf and pyhanko-cli,
# $NODE_PATH has pdfkit, pdf-lib and @pdf-lib/fontkit, and `jbig2` (jbig2enc) with its jbig2topdf.py is on the PATH.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && cd "$1"
IPA=/usr/share/fonts/opentype/ipafont-mincho/ipam.ttf
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
office() { soffice --headless "-env:UserInstallation=file://$work/profile" --convert-to "pdf:writer_pdf_Export:$3" --outdir "$work/o" "$1" >/dev/null && mv "$work/o/$(basename "${1%.*}").pdf" "$2"; }

# Word processors
"$PYTHON" - "$work/notice.docx" <<'PY'
import sys
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Mm
document = Document()
document.sections[0].page_width, document.sections[0].page_height = Mm(210), Mm(297)
for font, name in (("w:ascii", "Noto Serif CJK JP"), ("w:hAnsi", "Noto Serif CJK JP"), ("w:eastAsia", "Noto Serif CJK JP")):
    document.styles["Normal"].element.get_or_add_rPr().get_or_add_rFonts().set(qn(font), name)
document.add_paragraph("交付決定通知書（見本）")
document.add_paragraph("見本 花子 様　令和8年11月21日　長谷市長")
table = document.add_table(rows=2, cols=2, style="Table Grid")
for cell, text in zip((c for row in table.rows for c in row.cells), ("補助金の名称", "バリアフリー改修", "交付額", "50,000円")):
    cell.text = text
document.save(sys.argv[1])
PY
office "$work/notice.docx" libreoffice-docx.pdf '{"SelectPdfVersion":{"type":"long","value":"17"}}'
office "$work/notice.docx" libreoffice-15.pdf '{"SelectPdfVersion":{"type":"long","value":"15"}}'
office "$work/notice.docx" libreoffice-pdfa1.pdf '{"SelectPdfVersion":{"type":"long","value":"1"}}'
office "$work/notice.docx" libreoffice-pdfa3.pdf '{"SelectPdfVersion":{"type":"long","value":"3"}}'
office "$here/form.fodt" refused-libreoffice-form.pdf '{"ExportFormFields":{"type":"boolean","value":"true"}}'
sed 's/form:current-value="[^"]*"//; s/form:value="[^"]*"//; s/form:current-state="[^"]*"//; s/form:state="[^"]*"//' "$here/form.fodt" > "$work/blank.fodt"
office "$work/blank.fodt" libreoffice-form-blank.pdf '{"ExportFormFields":{"type":"boolean","value":"true"}}'
office "$here/form.fodt" libreoffice-form-flat.pdf '{"ExportFormFields":{"type":"boolean","value":"false"}}'

# Browsers and typesetters
chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/chromium" --no-pdf-header-footer --print-to-pdf=chromium.pdf "$here/notice.html" 2>/dev/null
QT_QPA_PLATFORM=offscreen wkhtmltopdf -q --page-size A4 "$here/notice.html" wkhtmltopdf.pdf
"$PYTHON" -m weasyprint "$here/notice.html" weasyprint.pdf 2>/dev/null
"$PYTHON" -c 'import sys, typst; typst.compile(sys.argv[1], output=sys.argv[2], pdf_standards=["2.0"])' "$here/notice.typ" typst-20.pdf
rsvg-convert -f pdf -o cairo.pdf "$here/notice.svg"
pdflatex -interaction=batchmode -output-directory="$work" "$here/letter.tex" >/dev/null && mv "$work/letter.pdf" pdftex.pdf
groff -Tps -P-pa4 -ms "$here/letter.ms" > "$work/letter.ps"
for version in 1.2 1.3 1.4 2.0; do
  gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -dCompatibilityLevel=$version -dEmbedAllFonts=true -sOutputFile=ghostscript-${version/./}.pdf "$work/letter.ps"
done
gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -sOutputFile=ghostscript-gaiji-type3.pdf -c '<</NeverEmbed []>> setdistillerparams' -f "$here/gaiji.ps"

# Core systems and their libraries
javac -cp /usr/share/java/itext.jar -d "$work" "$here/Statement.java"
itext() { java -cp "$work:/usr/share/java/itext.jar" Statement "$@"; }
itext itext-identity-h-13.pdf "$IPA" Identity-H 3
itext itext-identity-v.pdf "$IPA" Identity-V 4
itext itext-object-streams.pdf "$IPA" Identity-H 5
cc -o "$work/report" "$here/report.c" -lhpdf
"$work/report" libharu-13.pdf embedded "$IPA" "税証明（見本）　見本花子"
"$work/report" refused-libharu-ms-mincho.pdf MS-Mincho 90ms-RKSJ-H "$(echo '税証明（見本）　見本花子' | iconv -t CP932)"
"$work/report" refused-libharu-ms-gothic.pdf MS-Gothic 90ms-RKSJ-H "$(echo '税証明（見本）　見本花子' | iconv -t CP932)"
php "$here/tcpdf.php" "$work/tcpdf.pdf" "$IPA" && mv "$work/tcpdf.pdf" .
php "$here/tcpdf.php" "$PWD/refused-tcpdf-kozmin.pdf" kozminproregular
node "$here/pdfkit.js" pdfkit.pdf "$IPA"
node "$here/form.js" pdf-lib-form.pdf "$IPA"
"$PYTHON" - "$IPA" <<'PY'
import sys
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
pdfmetrics.registerFont(TTFont("IPA", sys.argv[1]))
pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3"))
for name, font in (("reportlab.pdf", "IPA"), ("refused-reportlab-heiseimin.pdf", "HeiseiMin-W3")):
    canvas = Canvas(name, pagesize=A4)
    canvas.setFont(font, 14)
    canvas.drawString(60, 760, "印鑑登録証明書（見本）　氏名　見本花子")
    canvas.save()
PY

# Scanners: one sheet, rendered, then wrapped as their software does
pdftoppm -r 200 -gray libreoffice-docx.pdf "$work/sheet" && sheet=$(ls "$work"/sheet*.pgm)
pdftoppm -r 300 -mono libreoffice-docx.pdf "$work/mono" && mono=$(ls "$work"/mono*.pbm)
"$PYTHON" - "$sheet" "$mono" "$work" <<'PY'
import sys
from PIL import Image
sheet, mono, work = sys.argv[1:]
grey = Image.open(sheet)
grey.save(f"{work}/sheet.jpg", quality=30, dpi=(200, 200))
grey.save(f"{work}/sheet.png", dpi=(200, 200))
Image.open(mono).convert("1").save(f"{work}/sheet.tif", compression="group4", dpi=(300, 300))
PY
tiff2pdf -o scan-ccitt-g4.pdf "$work/sheet.tif"
img2pdf --pagesize A4 -o scan-jpeg.pdf "$work/sheet.jpg"
opj_compress -r 80 -i "$work/sheet.png" -o "$work/sheet.jp2" >/dev/null && img2pdf --pagesize A4 -o scan-jpeg2000.pdf "$work/sheet.jp2"
(cd "$work" && jbig2 -s -p -b sym sheet.tif >/dev/null && jbig2topdf.py sym) > scan-jbig2-symbols.pdf
ocrmypdf -q --tesseract-timeout 0 --image-dpi 300 --optimize 1 --jbig2-lossy -l eng "$work/sheet.tif" scan-ocrmypdf-jbig2.pdf
ocrmypdf -q --tesseract-timeout 60 --image-dpi 200 -l eng --output-type pdfa-2 "$work/sheet.jpg" scan-ocr-pdfa2.pdf
"$PYTHON" - "$work/sheet.jpg" <<'PY'
# A scanner's own text recognition: invisible text (render mode 3) in a font that is not there, under the picture.
import sys
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
pdfmetrics.registerFont(UnicodeCIDFont("HeiseiKakuGo-W5"))
canvas = Canvas("scan-invisible-text.pdf", pagesize=A4)
text = canvas.beginText(60, 760)
text.setTextRenderMode(3)
text.setFont("HeiseiKakuGo-W5", 12)
text.textLine("交付決定通知書")
canvas.drawText(text)
canvas.drawImage(sys.argv[1], 0, 0, *A4)
canvas.save()
PY

# What tools do to documents afterwards
qpdf --linearize libreoffice-docx.pdf linearised.pdf
qpdf --allow-weak-crypto --encrypt "" owner 40 -- libreoffice-docx.pdf refused-encrypted-rc4-40.pdf
qpdf --encrypt "" owner 128 --use-aes=y -- libreoffice-docx.pdf refused-encrypted-aes-128.pdf
qpdf --encrypt "" owner 256 -- libreoffice-docx.pdf refused-encrypted-aes-256.pdf
qpdf --encrypt reader owner 256 -- libreoffice-docx.pdf refused-encrypted-with-password.pdf
"$PYTHON" - <<'PY'
from pypdf import PdfWriter
writer = PdfWriter("itext-identity-h-13.pdf", incremental=True)
writer.add_metadata({"/Subject": "changed once more"})
writer.write("incremental.pdf")
PY
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=Specimen" -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
"$(dirname "$PYTHON")/pyhanko" sign addsig --field Seal pemder --key "$work/key.pem" --cert "$work/cert.pem" --no-pass libreoffice-docx.pdf signed.pdf
