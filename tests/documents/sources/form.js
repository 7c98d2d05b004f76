// A filled form whose fields are drawn: pdf-lib sets the text in a font that it embeds.
const { PDFDocument } = require('pdf-lib'), fontkit = require('@pdf-lib/fontkit'), fs = require('fs');
(async () => {
  const [, , out, path] = process.argv;
  const pdf = await PDFDocument.create();
  pdf.registerFontkit(fontkit);
  const font = await pdf.embedFont(fs.readFileSync(path), { subset: true });
  const page = pdf.addPage([595.28, 841.89]);
  page.drawText('介護保険 申請書（見本）', { x: 60, y: 760, size: 16, font });
  const field = pdf.getForm().createTextField('name');
  field.setText('見本 花子');
  field.addToPage(page, { x: 60, y: 700, width: 240, height: 24, font });
  field.updateAppearances(font);
  fs.writeFileSync(out, await pdf.save());
})();
