namespace Mergeflow.PropertyTests;

/// <summary>ct_state bits (OVS <c>CS_*</c>).</summary>
internal static class RefCtBits
{
    public const int New = 1;
    public const int Est = 2;
    public const int Rel = 4;
    public const int Rpl = 8;
    public const int Inv = 16;
    public const int Trk = 32;
    public const int SNat = 64;
    public const int DNat = 128;
    public const int AnyNat = SNat | DNat;
}
