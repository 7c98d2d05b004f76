<?php
require '/usr/share/php/tcpdf/tcpdf.php';
[, $out, $font] = $argv;
$pdf = new TCPDF('P', 'mm', 'A4');
$pdf->setPrintHeader(false); $pdf->setPrintFooter(false);
if (is_file($font)) {
    $name = TCPDF_FONTS::addTTFfont($font, 'TrueTypeUnicode', '', 32, dirname($out) . '/');
    $pdf->AddFont($name, '', dirname($out) . "/$name.php");
    $font = $name;
}
$pdf->SetFont($font, '', 14);
$pdf->AddPage();
$pdf->Write(8, '健康診査のお知らせ（見本）　氏名　見本太郎');
$pdf->Output($out, 'F');
