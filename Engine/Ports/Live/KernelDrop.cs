namespace Mergeflow.Engine.Ports;

/// <summary>Frames of a port that the kernel has lost for one reason.</summary>
/// <param name="IsReceived">On their way to the switch; else on their way out.</param>
/// <param name="Reason">As the kernel calls it (<c>enum skb_drop_reason</c> without its prefix), or <c>XDP_EXCEPTION</c>, <c>XDP_REDIRECT</c>, <c>XDP_TRANSMIT</c>, <c>OTHER</c>.</param>
/// <param name="Count">So many.</param>
/// <param name="IsCounted">Received: among <see cref="PortDrop.RxKernel"/> too, of which it is the reason. Sent: the kernel may have refused them at once, so they may be among <see cref="PortDrop.TxFull"/>.</param>
public readonly record struct KernelDrop(bool IsReceived, string Reason, ulong Count, bool IsCounted);
