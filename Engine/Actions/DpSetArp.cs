using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Actions;

/// <summary>Masked rewrite of ARP fields (OVS <c>struct ovs_key_arp</c>): of the operation the frame has sixteen bits, the flow key eight.</summary>
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
    public Be16 Op;
    public Be16 OpMask;
}
