using Mergeflow.Native;

namespace Mergeflow.Engine;

/// <summary>Masked rewrite of ARP fields.</summary>
public struct DpSetArp
{
    public Be32 Spa;
    public Be32 Tpa;
    public Be32 SpaMask;
    public Be32 TpaMask;
    public EthAddress Sha;
    public EthAddress Tha;
    public EthAddress ShaMask;
    public EthAddress ThaMask;
    public byte Op;
    public byte OpMask;
}
