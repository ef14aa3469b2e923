namespace Mergeflow.Engine.OpenFlow;

/// <summary>OpenFlow reserved ports with their 16-bit numbers (OVS <c>OFPP_*</c>).</summary>
public enum OfReservedPort : ushort
{
    InPort = 0xfff8,
    Table = 0xfff9,
    Normal = 0xfffa,
    Flood = 0xfffb,
    All = 0xfffc,
    Controller = 0xfffd,
    Local = 0xfffe,
    None = 0xffff,
}
