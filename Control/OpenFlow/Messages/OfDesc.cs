namespace Mergeflow.Control.OpenFlow;

/// <summary>Multipart <c>DESC</c>, reply.</summary>
public sealed record OfDesc : OfMessage
{
    public string Manufacturer = "";
    public string Hardware = "";
    public string Software = "";
    public string SerialNumber = "";
    public string Datapath = "";

    /// <inheritdoc/>
    internal override void Exchange(ref OfWire wire)
    {
        wire.Text(ref Manufacturer, 256);
        wire.Text(ref Hardware, 256);
        wire.Text(ref Software, 256);
        wire.Text(ref SerialNumber, 32);
        wire.Text(ref Datapath, 256);
    }
}
