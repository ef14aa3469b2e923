namespace Mergeflow.Engine.Ports;

/// <summary>Why a live port lost a frame.</summary>
public enum PortDrop
{
    /// <summary>Received: shorter than an Ethernet header.</summary>
    RxRunt,

    /// <summary>Received: longer than a slot, or than any packet may be.</summary>
    RxTooLong,

    /// <summary>Received: the kernel could not express it, or what it said of it contradicts the frame.</summary>
    RxInvalid,

    /// <summary>Received: no packet memory was left for it.</summary>
    RxNoMemory,

    /// <summary>Received: more than the port's rate allows (<see cref="IngressPolicer"/>).</summary>
    RxPoliced,

    /// <summary>Received: the kernel could not keep it for us (packet socket, TAP queue).</summary>
    RxKernel,

    /// <summary>To be sent: longer than the port's MTU, a super-frame counted by its segments.</summary>
    TxTooLong,

    /// <summary>To be sent: the device or its socket had no room.</summary>
    TxFull,

    /// <summary>To be sent: the device is down or gone.</summary>
    TxDown,

    /// <summary>To be sent: the kernel refused it for another reason.</summary>
    TxRefused,
}
