namespace Mergeflow.Engine.Text;

/// <summary>Text that says more than a message of Open vSwitch has room for (<c>E2BIG</c>).</summary>
public sealed class FlowTextTooLongException(string message, int line, int column) : FlowTextException(message, line, column);
