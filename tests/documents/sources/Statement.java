// What a core system of the 2000s does: iText 2.1.7 with Identity-H, Identity-V (縦書き) or a font left to the printer.
import com.lowagie.text.*;
import com.lowagie.text.pdf.*;
import java.io.FileOutputStream;

public class Statement {
    public static void main(String[] args) throws Exception {
        String out = args[0], font = args[1], encoding = args[2], version = args[3];
        Document document = new Document(PageSize.A4);
        PdfWriter writer = PdfWriter.getInstance(document, new FileOutputStream(out));
        writer.setPdfVersion(version.charAt(0));
        if (version.equals("5")) writer.setFullCompression();
        document.open();
        BaseFont base = BaseFont.createFont(font, encoding, font.contains("/") ? BaseFont.EMBEDDED : BaseFont.NOT_EMBEDDED);
        String text = "住民票の写し（見本）　氏名　見本花子　住所　長谷市北区一丁目";
        if (encoding.endsWith("V")) {
            VerticalText vertical = new VerticalText(writer.getDirectContent());
            vertical.setVerticalLayout(520, 780, 700, 12, 24);
            vertical.addText(new Chunk(text, new Font(base, 14)));
            vertical.go();
        } else {
            document.add(new Paragraph(text, new Font(base, 14)));
        }
        document.close();
    }
}
