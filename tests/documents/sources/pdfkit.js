const PDFDocument = require('pdfkit'), fs = require('fs');
const [, , out, font] = process.argv;
const pdf = new PDFDocument({ size: 'A4' });
pdf.pipe(fs.createWriteStream(out));
pdf.font(font).fontSize(14).text('施設利用許可書（見本）　氏名　見本次郎');
pdf.end();
