/* What a small C program at a city hall does: libharu, PDF 1.3. */
#include <hpdf.h>
#include <string.h>
#include <stdlib.h>
static void fail(HPDF_STATUS e, HPDF_STATUS d, void *u) { exit(1); }
int main(int argc, char **argv) {
    HPDF_Doc pdf = HPDF_New(fail, NULL);
    HPDF_SetCompressionMode(pdf, HPDF_COMP_ALL);
    HPDF_Page page; HPDF_Font font;
    if (!strcmp(argv[2], "embedded")) {
        HPDF_UseUTFEncodings(pdf);
        font = HPDF_GetFont(pdf, HPDF_LoadTTFontFromFile(pdf, argv[3], HPDF_TRUE), "UTF-8");
    } else {
        HPDF_UseJPFonts(pdf); HPDF_UseJPEncodings(pdf);
        font = HPDF_GetFont(pdf, argv[2], argv[3]);
    }
    page = HPDF_AddPage(pdf);
    HPDF_Page_SetSize(page, HPDF_PAGE_SIZE_A4, HPDF_PAGE_PORTRAIT);
    HPDF_Page_BeginText(page);
    HPDF_Page_SetFontAndSize(page, font, 14);
    HPDF_Page_TextOut(page, 60, 760, argv[4]);
    HPDF_Page_EndText(page);
    return HPDF_SaveToFile(pdf, argv[1]) != HPDF_OK;
}
