namespace Mergeflow.Engine.Conntrack;

/// <summary>TCP flag bits as in byte 13 of the header (RFC 9293).</summary>
internal static class TcpFlag
{
    public const byte Fin = 0x01;
    public const byte Syn = 0x02;
    public const byte Rst = 0x04;
    public const byte Psh = 0x08;
    public const byte Ack = 0x10;
    public const byte Urg = 0x20;
}
